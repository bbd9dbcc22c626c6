"""An emulator of the JD Edwards EnterpriseOne AIS Server: tokens, data service, paging, on data kept as JDE keeps it.

The behaviour follows the public descriptions of the service ("AIS Server Reference", "AIS Client Java API", the REST
API pages) as collected in the AIS fact sheet; section numbers in comments refer to that sheet.
"""

from __future__ import annotations
