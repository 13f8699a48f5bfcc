{{/* Names are cut so that those of pods fit into 63 characters. */}}
{{- define "gantry.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 24 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 24 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{/* What tells the pods of a role from all others. Takes root, component and, for brokers, group. */}}
{{- define "gantry.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .group }}
gantry/group: {{ . }}
{{- end }}
{{- end -}}

{{- define "gantry.labels" -}}
{{ include "gantry.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Where the name servers listen, as text with commas. */}}
{{- define "gantry.namesrv" -}}
{{- $service := printf "%s-namesrv" (include "gantry.fullname" .) -}}
{{- $addresses := list -}}
{{- range $i := until (int .Values.namesrv.replicas) -}}
{{- $addresses = append $addresses (printf "%s-%d.%s.%s.svc:9876" $service $i $service $.Release.Namespace) -}}
{{- end -}}
{{- join "," $addresses -}}
{{- end -}}

{{/* The settings of a role, as YAML: what the values say, and over it what the chart decides. */}}
{{- define "gantry.namesrv.config" -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.namesrv.config) (include "gantry.innerPort" . | fromYaml)) -}}
{{- end -}}

{{/* How a port takes those of other parts: the settings tls of name servers and brokers. */}}
{{- define "gantry.innerPort" -}}
{{- if .Values.link.tls.secret -}}
{{- $required := eq .Values.link.tls.mode "required" -}}
tls:
  mode: {{ ternary "enforcing" "permissive" $required }}
  certificate: /etc/gantry/link/tls.crt
  key: /etc/gantry/link/tls.key
  {{- if $required }}
  clientCa: /etc/gantry/link/ca.crt
  {{- end }}
{{- end -}}
{{- end -}}

{{/* How brokers and proxies come to the ports of others: the settings link. */}}
{{- define "gantry.link" -}}
{{- if and .Values.link.tls.secret (ne .Values.link.tls.mode "offered") -}}
link:
  tls:
    enabled: true
    ca: /etc/gantry/link/ca.crt
    certificate: /etc/gantry/link/tls.crt
    key: /etc/gantry/link/tls.key
{{- end -}}
{{- end -}}

{{/* Where a container finds the certificates of links, and where they come from. */}}
{{- define "gantry.linkMount" -}}
{{- if .Values.link.tls.secret -}}
- name: link
  mountPath: /etc/gantry/link
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "gantry.linkVolume" -}}
{{- with .Values.link.tls.secret -}}
- name: link
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end -}}
{{- end -}}

{{- define "gantry.broker.config" -}}
{{- $config := mergeOverwrite (deepCopy .Values.broker.config) (dict "namesrv" (include "gantry.namesrv" .)) (include "gantry.innerPort" . | fromYaml) (include "gantry.link" . | fromYaml) -}}
{{- if gt (int .Values.broker.replicas) 1 -}}
{{- $config = mergeOverwrite $config (dict "replication" (dict "mode" "etcd") "etcd" (include "gantry.etcd" . | fromYaml)) -}}
{{- else -}}
{{- $config = omit $config "replication" -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* How brokers reach etcd; user and password come as variables. */}}
{{- define "gantry.etcd" -}}
endpoints: {{ join "," .Values.etcd.endpoints }}
leaseSeconds: {{ .Values.etcd.leaseSeconds }}
tls:
  enabled: {{ .Values.etcd.tls.enabled }}
  {{- if .Values.etcd.tls.secret }}
  ca: /etc/gantry/etcd/ca.crt
  {{- if .Values.etcd.tls.clientCertificate }}
  certificate: /etc/gantry/etcd/tls.crt
  key: /etc/gantry/etcd/tls.key
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "gantry.proxy.config" -}}
{{- $tls := dict "mode" .Values.tls.mode -}}
{{- if .Values.tls.secret -}}
{{- $_ := set $tls "certificate" "/etc/gantry/tls/tls.crt" -}}
{{- $_ := set $tls "key" "/etc/gantry/tls/tls.key" -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.proxy.config) (dict "namesrv" (include "gantry.namesrv" .) "tls" $tls) (include "gantry.link" . | fromYaml)) -}}
{{- end -}}

{{/* A pod's annotations: a change of the settings makes new pods. Takes root and component. */}}
{{- define "gantry.podAnnotations" -}}
checksum/config: {{ include (printf "gantry.%s.config" .component) .root | sha256sum }}
{{- if .root.Values.scrapeAnnotations }}
prometheus.io/scrape: 'true'
prometheus.io/port: '8082'
prometheus.io/path: /metrics
{{- end }}
{{- end -}}

{{/* What every pod has. Takes root, component, group and values: the role's part of the values. */}}
{{- define "gantry.pod" -}}
serviceAccountName: {{ include "gantry.fullname" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if ne .root.Values.antiAffinity "none" }}
affinity:
  podAntiAffinity:
    {{- if eq .root.Values.antiAffinity "hard" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "gantry.selector" . | nindent 12 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "gantry.selector" . | nindent 14 }}
    {{- end }}
{{- end }}
{{- end -}}

{{/* What every container has. Takes root, component, values, port and startSeconds. */}}
{{- define "gantry.container" -}}
name: gantry
image: {{ printf "%s:%s" .root.Values.image.repository (default .root.Chart.AppVersion .root.Values.image.tag) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [{{ .component }}, --config, /etc/gantry/config/gantry.yaml]
ports:
  - name: grpc
    containerPort: {{ .port }}
  - name: http
    containerPort: 8082
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
startupProbe:
  httpGet:
    path: /live
    port: http
  periodSeconds: 2
  failureThreshold: {{ div .startSeconds 2 }}
livenessProbe:
  httpGet:
    path: /live
    port: http
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /ready
    port: http
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end -}}
