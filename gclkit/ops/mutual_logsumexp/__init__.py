from gclkit.ops.mutual_logsumexp.api import mutual_logsumexp as mutual_logsumexp
