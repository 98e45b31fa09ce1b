"""The list of all checks. A further one is a function and a row in the list of its module."""

from privacy import consents, encrypted, ends, faces, files, pictures, provider, rows

CHECKS = (
    *consents.CHECKS,
    *rows.CHECKS,
    *faces.CHECKS,
    *ends.CHECKS,
    *files.CHECKS,
    *pictures.CHECKS,
    *encrypted.CHECKS,
    *provider.CHECKS,
)
