{{- define "chartly.name" -}}
{{- if contains "chartly" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-chartly" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "chartly.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "chartly.name" .) }}
{{- end }}

{{- define "chartly.selector" -}}
app.kubernetes.io/name: chartly
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Never managed-by: chartly, which marks what the operator makes. */ -}}
{{- define "chartly.labels" -}}
{{ include "chartly.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "chartly.image" -}}
{{- $name := .image.repository }}
{{- with .registry }}{{ $name = printf "%s/%s" . $name }}{{ end }}
{{- if .image.digest }}{{ printf "%s@%s" $name .image.digest }}
{{- else }}{{ printf "%s:%s" $name (.image.tag | default .appVersion) }}{{ end }}
{{- end }}

{{- define "chartly.operatorImage" -}}
{{ include "chartly.image" (dict "image" .Values.images.operator "registry" .Values.images.registry "appVersion" .Chart.AppVersion) }}
{{- end }}

{{- /* The namespaces of the namespaced mode, the shared one among them; empty in the other. */ -}}
{{- define "chartly.watched" -}}
{{- if .Values.watchNamespaces }}
{{- append .Values.watchNamespaces .Values.globalNamespace.name | uniq | sortAlpha | join "," }}
{{- end }}
{{- end }}

{{- define "chartly.storeUrl" -}}
{{- if .Values.clickhouse.url }}{{ .Values.clickhouse.url }}
{{- else if .Values.clickhouse.install -}}
http://{{ include "chartly.name" . }}-clickhouse.{{ .Release.Namespace }}.svc:8123
{{- end }}
{{- end }}

{{- define "chartly.storeSecret" -}}
{{- if .Values.clickhouse.existingSecret }}{{ .Values.clickhouse.existingSecret }}
{{- else if .Values.clickhouse.install }}{{ include "chartly.name" . }}-clickhouse{{ end }}
{{- end }}

{{- define "chartly.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "chartly.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What the operator does where it works: read our kinds, write their status, remove runs that history does not keep; Jobs and ConfigMaps are its own; Pods it reads. */ -}}
{{- define "chartly.workRules" -}}
- apiGroups: [chartly.io]
  resources: [profiles, workflows, workflowruns]
  verbs: [get, list, watch]
- apiGroups: [chartly.io]
  resources: [profiles/status, workflows/status, workflowruns/status]
  verbs: [patch]
- apiGroups: [chartly.io]
  resources: [workflowruns]
  verbs: [delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{- define "chartly.viewRules" -}}
- apiGroups: [chartly.io]
  resources: [profiles, workflows, workflowruns]
  verbs: [get, list, watch]
{{- end }}

{{- define "chartly.editRules" -}}
- apiGroups: [chartly.io]
  resources: [profiles, workflows, workflowruns]
  verbs: [create, update, patch, delete, deletecollection]
{{- end }}
