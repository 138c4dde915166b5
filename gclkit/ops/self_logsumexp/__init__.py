from gclkit.ops.self_logsumexp.api import self_logsumexp as self_logsumexp
