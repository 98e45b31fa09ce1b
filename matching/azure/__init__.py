"""Matching by Azure's Face service, which keeps the faces in lists and returns similarities.

"There" in these modules is Azure. For each event there is a list of the photos' faces and one of the guests'
portraits. The similarities that count come from a search with a portrait in the list of the photos' faces, also for a
photo that came last. They are stored in `remote_similarities`, and matches follow from those rows alone. A new
photo's faces are compared with the portraits only to find the guests for whom to search again.
"""
