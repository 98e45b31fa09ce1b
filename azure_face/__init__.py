"""A client of Azure's Face service, v1.0: detection, large face lists and the search in them, over the network.

Nothing here knows the database. `azure_face/service.py` has the operations, `azure_face/connection.py` what every
call shares: its pace, its retries and the circuit breaker.
"""
