{{- /* The operator's settings by the name of their environment variable. */ -}}
{{- define "chartly.settings" -}}
{{- $images := .Values.images -}}
CHARTLY_LISTEN: "0.0.0.0:8080"
CHARTLY_LOG_LEVEL: {{ .Values.operator.logLevel | quote }}
CHARTLY_LEASE_NAME: {{ include "chartly.name" . }}-operator
CHARTLY_CONNECTOR_IMAGE: {{ include "chartly.image" (dict "image" $images.connector "registry" $images.registry "appVersion" .Chart.AppVersion) | quote }}
CHARTLY_LOADER_IMAGE: {{ include "chartly.image" (dict "image" $images.loader "registry" $images.registry "appVersion" .Chart.AppVersion) | quote }}
CHARTLY_IMAGE_PULL_POLICY: {{ $images.pullPolicy | quote }}
CHARTLY_GLOBAL_NAMESPACE: {{ .Values.globalNamespace.name | quote }}
CHARTLY_WATCH_NAMESPACES: {{ include "chartly.watched" . | quote }}
CHARTLY_GRANTABLE_CIDRS: {{ join "," .Values.egress.grantableCidrs | quote }}
CHARTLY_CONNECTOR_RESOURCES: {{ toJson .Values.runners.connector.resources | quote }}
CHARTLY_LOADER_RESOURCES: {{ toJson .Values.runners.loader.resources | quote }}
CHARTLY_SPOOL_BYTES: {{ int64 .Values.runners.spoolBytes | quote }}
CHARTLY_PENDING_DEADLINE: {{ int64 .Values.deadlines.pending | quote }}
CHARTLY_RUN_DEADLINE: {{ int64 .Values.deadlines.run | quote }}
CHARTLY_JOB_TTL: {{ int64 .Values.runs.jobTtl | quote }}
CHARTLY_FREE_ATTEMPTS: {{ int64 .Values.runs.freeAttempts | quote }}
{{- end }}
