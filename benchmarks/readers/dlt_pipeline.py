"""dlt's REST source into JSONL files, as its documentation shows it; runs in an environment of its own.

dlt_pipeline.py FOLDER
"""

from __future__ import annotations

import os
import sys

import ais

FOLDER = sys.argv[1]
os.environ |= {
    "DLT_DATA_DIR": FOLDER,
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",  # ours does not compress either
}

import dlt  # noqa: E402 -- reads the environment
from dlt.sources.rest_api import rest_api_source  # noqa: E402

source = rest_api_source(
    {
        "client": {"base_url": ais.URL, "headers": ais.log_in()},
        "resources": [
            {
                "name": "F0911",
                "endpoint": {
                    "path": "dataservice",
                    "method": "POST",
                    "json": ais.browse(
                        enableNextPageProcessing=True, nextPageTimeInterval="1000", aggregation=ais.by_key()
                    ),
                    "data_selector": "fs_DATABROWSE_F0911.data.gridData.rowset",
                    "paginator": {"type": "json_link", "next_url_path": "links[0].href"},
                },
            }
        ],
    }
)
pipeline = dlt.pipeline(
    "ledger", destination=dlt.destinations.filesystem(f"file://{FOLDER}/loaded"), dataset_name="jde", dev_mode=False
)
pipeline.run(source, loader_file_format="jsonl")
print(pipeline.last_trace.last_normalize_info.row_counts["f0911"])
