"""Labels, annotations, finalizer and condition words of Jobs, as upstream spells them; others match on them.

Called by the modules of this folder. Page: https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

from __future__ import annotations

from typing import Final

FINALIZER: Final = "batch.kubernetes.io/job-tracking"
INDEX: Final = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES: Final = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED: Final = "batch.kubernetes.io/job-index-ignored-failure-count"
CRON_TIMESTAMP: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"
CONTROLLER: Final = "kubernetes.io/job-controller"

COMPLETE: Final = "Complete"
FAILED: Final = "Failed"
SUSPENDED: Final = "Suspended"
FAILURE_TARGET: Final = "FailureTarget"
SUCCESS_CRITERIA_MET: Final = "SuccessCriteriaMet"
