{{/*
The tables that the chart writes, since ports, paths and the termination of the pod follow from them.
They need a restart to change, so the pod carries their checksum.
*/}}
{{- define "dimseway.tables" -}}
[dimse]
ae_title = {{ .Values.dimse.aeTitle | quote }}
listen = "{{ .Values.listenAddress }}:11112"
unknown_peers = {{ .Values.dimse.unknownPeers | quote }}
max_associations = {{ int .Values.dimse.maxAssociations }}
drain_delay = "{{ int .Values.dimse.drainDelaySeconds }}s"
drain_timeout = "{{ int .Values.dimse.drainTimeoutSeconds }}s"
{{- with .Values.dimse.settings }}
{{ . | trim }}
{{- end }}

[spool]
directory = "/var/lib/dimseway/spool"
minimum_free = {{ .Values.spool.minimumFree | quote }}
{{- with .Values.spool.settings }}
{{ . | trim }}
{{- end }}

[admin]
listen = "{{ .Values.listenAddress }}:8080"
token_file = "/run/dimseway/admin/{{ .Values.admin.tokenSecret.key }}"
{{- if .Values.web.enabled }}

[web]
listen = "{{ .Values.listenAddress }}:8082"
token_file = "/run/dimseway/web/{{ .Values.web.tokenSecret.key }}"
{{- end }}

[log]
format = {{ .Values.log.format | quote }}
level = {{ .Values.log.level | quote }}
{{- end -}}

{{- define "dimseway.configuration" -}}
{{- range $table := list "dimse" "spool" "admin" "web" "log" -}}
{{- if regexMatch (printf "(?m)^\\s*\\[\\s*%s\\s*\\]" $table) $.Values.configuration -}}
{{- fail (printf "configuration: [%s] is written by the chart; use the values under `%s`" $table $table) -}}
{{- end -}}
{{- end -}}
{{ .Values.configuration | trim }}

{{ include "dimseway.tables" . }}
{{- end -}}
