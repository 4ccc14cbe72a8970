{{- define "dimseway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for the longest ending that is put behind it, "-headless", and a StatefulSet's own. */}}
{{- define "dimseway.fullname" -}}
{{- $name := include "dimseway.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 43 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 43 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 43 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "dimseway.selector" -}}
app.kubernetes.io/name: {{ include "dimseway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dimseway.labels" -}}
{{ include "dimseway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}

{{- define "dimseway.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "dimseway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "dimseway.adminSecret" -}}
{{- default (printf "%s-admin" (include "dimseway.fullname" .)) .Values.admin.tokenSecret.name -}}
{{- end -}}

{{- define "dimseway.webSecret" -}}
{{- default (printf "%s-web" (include "dimseway.fullname" .)) .Values.web.tokenSecret.name -}}
{{- end -}}
