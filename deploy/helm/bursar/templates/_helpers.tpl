{{- define "bursar.selector" -}}
app.kubernetes.io/name: bursar
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bursar.labels" -}}
{{ include "bursar.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "bursar.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* Settings as variables; of secrets, the variable names the mounted file. Called with a dict of settings and secrets. */}}
{{- define "bursar.env" -}}
{{- range $name, $value := .settings }}
- {name: BURSAR__{{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- range $name, $_ := .secrets }}
- {name: BURSAR__{{ $name }}_FILE, value: /run/secrets/bursar/{{ $name }}}
{{- end }}
{{- end }}

{{/* Files of Secrets that others made: the restricted user reads them, since the volume belongs to its group. */}}
{{- define "bursar.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- with .secrets }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $ref := . }}
      - secret: {name: {{ $ref.name }}, items: [{key: {{ $ref.key }}, path: {{ $name }}}]}
      {{- end }}
{{- end }}
{{- with .trusted }}
- name: trusted
  projected:
    sources:
      {{- range $name, $ref := . }}
      - secret: {name: {{ $ref.name }}, items: [{key: {{ $ref.key }}, path: {{ $name }}}]}
      {{- end }}
{{- end }}
{{- end }}

{{- define "bursar.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .secrets }}
- {name: secrets, mountPath: /run/secrets/bursar, readOnly: true}
{{- end }}
{{- if .trusted }}
- {name: trusted, mountPath: /etc/bursar/trusted, readOnly: true}
{{- end }}
{{- end }}

{{/* What the level `restricted` of pod security asks of a pod, and of a container. */}}
{{- define "bursar.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "bursar.container" -}}
image: {{ include "bursar.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end }}
