"""Every router of the pages, in the order in which addresses are compared."""

from pages import account, admin, assets, gallery, guest, join, photographer, portrait, site

GUEST = (join.router, portrait.router, gallery.router, guest.router)
ROUTERS = (assets.router, account.router, site.router, *GUEST, photographer.router, admin.router)
