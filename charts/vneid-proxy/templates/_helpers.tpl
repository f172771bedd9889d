{{/* The names, at most 55 characters, so that a suffix fits into 63. */}}
{{- define "vneid-proxy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 55 | trimSuffix "-" -}}
{{- end -}}

{{- define "vneid-proxy.fullname" -}}
{{- $name := include "vneid-proxy.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "vneid-proxy.selector" -}}
app.kubernetes.io/name: {{ include "vneid-proxy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vneid-proxy.labels" -}}
{{ include "vneid-proxy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "vneid-proxy.serviceAccount" -}}
{{- default (include "vneid-proxy.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "vneid-proxy.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The host of PUBLIC_URL without its port. */}}
{{- define "vneid-proxy.host" -}}
{{- regexReplaceAll ":[0-9]+$" (urlParse .Values.config.PUBLIC_URL).host "" -}}
{{- end -}}

{{/* "true" where the ledger is SQLite, which is the program's default. */}}
{{- define "vneid-proxy.sqlite" -}}
{{- if hasPrefix "sqlite:" (default "sqlite:" .Values.config.LEDGER_URL) }}true{{ end -}}
{{- end -}}

{{/* The seconds of a duration that the schema keeps to whole seconds or minutes. */}}
{{- define "vneid-proxy.seconds" -}}
{{- if hasSuffix "m" . }}{{ trimSuffix "m" . | int | mul 60 }}{{ else }}{{ trimSuffix "s" . | int }}{{ end -}}
{{- end -}}

{{/* The environment, in the order of the names. */}}
{{- define "vneid-proxy.environment" -}}
VNEID_PROXY_LISTEN: ":8080"
VNEID_PROXY_ADMIN_LISTEN: ":9180"
{{- range $name, $value := .Values.config }}
VNEID_PROXY_{{ $name }}: {{ if kindIs "string" $value }}{{ $value | quote }}{{ else }}{{ $value | toJson | quote }}{{ end }}
{{- end }}
{{- range $name, $key := .Values.secret.keys }}
{{- if $key }}
VNEID_PROXY_{{ $name }}_FILE: {{ printf "/etc/vneid-proxy/secret/%s" $key | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the schema cannot say: each fault in a sentence that names the value and the mend. */}}
{{- define "vneid-proxy.check" -}}
{{- range $name := list "PUBLIC_URL" "UPSTREAM_URL" "CLIENT_ID" -}}
{{- $_ := required (printf "config.%s is required: see values.yaml for an example" $name) (index $.Values.config $name) -}}
{{- end -}}
{{- $_ := required "secret.existingSecret is required: create the Secret first, docs/configuration.md tells its keys, and name it here" .Values.secret.existingSecret -}}
{{- if and (gt (int .Values.replicaCount) 1) (include "vneid-proxy.sqlite" .) -}}
{{- fail (printf "replicaCount is %d, but a SQLite ledger is for one process: set replicaCount to 1, or config.LEDGER_URL to a ledger that replicas share" (int .Values.replicaCount)) -}}
{{- end -}}
{{- $drain := add (include "vneid-proxy.seconds" (default "5s" .Values.config.DRAIN_DELAY)) (include "vneid-proxy.seconds" (default "30s" .Values.config.DRAIN_TIMEOUT)) -}}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $drain) -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, but draining takes up to %d s (config.DRAIN_DELAY and config.DRAIN_TIMEOUT): set it higher" (int .Values.terminationGracePeriodSeconds) $drain) -}}
{{- end -}}
{{- end -}}
