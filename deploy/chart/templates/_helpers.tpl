{{/* Each takes a dictionary: root, component, image, secret, env, values (of the component). */}}

{{- define "forkresize.selector" -}}
app.kubernetes.io/name: forkresize
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "forkresize.labels" -}}
{{ include "forkresize.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* CronJobs have the shortest limit: 52 characters. The release is cut, so that components have different names. */}}
{{- define "forkresize.name" -}}
{{ .root.Release.Name | trunc (int (sub 51 (len .component))) | trimSuffix "-" }}-{{ .component }}
{{- end }}

{{- define "forkresize.metadata" -}}
name: {{ include "forkresize.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "forkresize.labels" . | nindent 2 }}
{{- end }}

{{- define "forkresize.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "forkresize.metadata" . | nindent 2 }}
  {{- with .root.Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{/* What every pod has: no rights, no token, no files of its own but temporary ones. */}}
{{- define "forkresize.pod" -}}
serviceAccountName: {{ include "forkresize.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "priorityClassName" }}
{{- with get $.values $field }}
{{ $field }}: {{- if kindIs "string" . }} {{ . }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "forkresize.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "forkresize.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}

{{- define "forkresize.container" -}}
{{- $image := .root.Values.image }}
{{- $digest := get $image.digests .image -}}
image: {{ $image.registry }}/{{ .image }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
imagePullPolicy: {{ $image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
env:
  # The only directory that can be written.
  - {name: TMPDIR, value: /tmp}
  - {name: XDG_STATE_HOME, value: /tmp/state}
  {{- $variables := dict }}
  {{- range $each := list .root.Values.env .env }}
  {{- range $name, $value := $each }}{{ $_ := set $variables $name $value }}{{ end }}
  {{- end }}
  {{- range $name, $value := $variables }}
  - name: {{ $name }}
    # As JSON, large numbers have no exponent.
    value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
  {{- end }}
{{- with .secret }}
envFrom:
  - secretRef:
      name: {{ . }}
{{- end }}
{{- end }}

{{- define "forkresize.mounts" -}}
- {name: temporary, mountPath: /tmp}
{{- with .values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "forkresize.volumes" -}}
- name: temporary
  emptyDir: {sizeLimit: 2Gi}
{{- with .values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The files of a Secret: name (of the volume), secret, files. */}}
{{- define "forkresize.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      - {key: {{ .file }}, path: {{ .file }}}
{{- end }}
