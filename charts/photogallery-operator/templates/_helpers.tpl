{{- define "photogallery.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters, so that what is appended (-namespaces) still fits into 63. */}}
{{- define "photogallery.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "photogallery.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "photogallery.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-wide names carry the namespace: the chart may be installed twice. */}}
{{- define "photogallery.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "photogallery.fullname" .) -}}
{{- end -}}

{{- define "photogallery.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "photogallery.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "photogallery.selectorLabels" -}}
app.kubernetes.io/name: {{ include "photogallery.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "photogallery.labels" -}}
{{ include "photogallery.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "photogallery.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What the operator does in the namespaces it watches. */}}
{{- define "photogallery.rules" -}}
- apiGroups: [photogallery.dev]
  resources: [photogalleries]
  # patch: for the finalizer. The operator never writes to a spec.
  verbs: [get, list, watch, patch]
- apiGroups: [photogallery.dev]
  resources: [photogalleries/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
