{{/* The specification of an experiment: root, experiment. Chaos Mesh looks for pods in the namespace of the experiment. */}}
{{- define "chaos.spec" -}}
{{- $experiment := .experiment -}}
mode: {{ $experiment.mode }}
selector:
  labelSelectors:
    app.kubernetes.io/name: forkresize
    app.kubernetes.io/instance: {{ eq $experiment.component "disturbed" | ternary .root.Release.Name .root.Values.release }}
    app.kubernetes.io/component: {{ $experiment.component }}
{{- with $experiment.hosts }}
externalTargets:
  {{- range . }}
  {{- toYaml (get $.root.Values.hosts .) | nindent 2 }}
  {{- end }}
{{- end }}
{{ toYaml $experiment.spec }}
{{- end }}

{{/* What both containers have: root, name. Tasks of workflows have no settings of the pod. */}}
{{- define "chaos.container" -}}
name: {{ .name }}
{{ include "forkresize.container" (dict "root" .root "image" "command" "secret" .root.Values.secret "env" dict) }}
resources:
  requests: {cpu: "1", memory: 1Gi}
  limits: {memory: 1Gi}
{{- end }}
