"""A Terraform provider that has Google's schemas and no cloud, so that plans need neither.

install.py fetches the schemas, which schema.py reads; server.py speaks Terraform's plugin protocol
and asks cloud.py what a cloud that accepts everything would answer.
"""
