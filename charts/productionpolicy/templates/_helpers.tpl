{{- define "productionpolicy.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "productionpolicy.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 53 | trimSuffix "-" -}}
{{- end }}

{{- define "productionpolicy.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end }}

{{- define "productionpolicy.serviceAccountName" -}}
{{- $made := .Values.serviceAccount.create | ternary (include "productionpolicy.fullname" .) "default" -}}
{{- .Values.serviceAccount.name | default $made -}}
{{- end }}

{{- define "productionpolicy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "productionpolicy.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "productionpolicy.labels" -}}
{{- $labels := include "productionpolicy.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{ merge $labels .Values.commonLabels | toYaml }}
{{- end }}

{{- define "productionpolicy.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if or .Values.image.tag (not .Values.image.digest) }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The objects of a file that `make generate` copies into the chart, as `objects`. */}}
{{- define "productionpolicy.copied" -}}
{{- $objects := list -}}
{{- range splitList "\n---\n" (.root.Files.Get (printf "files/%s" .file)) -}}
{{- $object := fromYaml . -}}
{{- $labels := merge (include "productionpolicy.labels" $.root | fromYaml) ($object.metadata.labels | default dict) -}}
{{- $_ := set $object.metadata "labels" $labels -}}
{{- $objects = append $objects $object -}}
{{- end -}}
{{ dict "objects" $objects | toYaml }}
{{- end }}

{{/* The version in which policies that repair at admission are installed; empty where none are. */}}
{{- define "productionpolicy.repairVersion" -}}
{{- $group := "admissionregistration.k8s.io" -}}
{{- $asked := .Values.admission.repair | toString -}}
{{- if eq $asked "auto" -}}
  {{- if .Capabilities.APIVersions.Has (printf "%s/v1/MutatingAdmissionPolicy" $group) -}} v1
  {{- else if .Capabilities.APIVersions.Has (printf "%s/v1beta1/MutatingAdmissionPolicy" $group) -}} v1beta1
  {{- /* Without a cluster Helm knows no kinds, but the version that it renders for. */ -}}
  {{- else if semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version -}} v1
  {{- end -}}
{{- else if has $asked (list "v1" "v1beta1") -}} {{ $asked }}
{{- end -}}
{{- end }}

{{/* Whether a monitor of the Prometheus operator is to be rendered; empty if not. */}}
{{- define "productionpolicy.monitored" -}}
{{- $served := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) -}}
{{- if .monitor.enabled -}}
  {{- if or $served (eq .monitor.renderMode "alwaysRender") -}} true
  {{- else if eq .monitor.renderMode "failIfMissing" -}}
    {{- fail (printf "%s.enabled: the API server does not serve monitoring.coreos.com/v1 %s; install the Prometheus operator first, or set %s.renderMode to skipIfMissing" .name .kind .name) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* What both kinds of monitors say of an endpoint. */}}
{{- define "productionpolicy.endpoint" -}}
path: /metrics
honorLabels: {{ .honorLabels }}
{{- with .interval }}
interval: {{ . | quote }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . | quote }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
