"""Matching by Azure's Face service, which keeps the faces in lists of its own and tells similarities.

For each event there is a list of the photos' faces and one of the guests' portraits. Similarities always come from a
search with a portrait among the photos' faces, whichever came last, and are kept in `remote_similarities`: matches
follow from those rows alone. A new photo's faces are searched among the portraits only to learn which guests are to
be searched for again.
"""
