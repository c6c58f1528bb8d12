"""A node: takes chunks and makes their pictures. It has threads and credentials, and neither forks nor decodes."""
