"""Every router of the pages, in the order in which addresses are compared."""

from pages import account, admin, assets, guest, photographer, site

ROUTERS = (assets.router, account.router, site.router, guest.router, photographer.router, admin.router)
