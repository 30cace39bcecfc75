{{/*
What the schema cannot check about values. Every problem is a sentence: what is wrong, with names and values, then what
to do. The hook refuses the same values with the same sentences in the same order: hooks/values/ has a module with the
name of each file here. Whoever changes a sentence changes it on both sides; the table of bad values for both is
tests/bad_values.yaml, and tests/chart/test_bad_values.py also compares the two on random values.

The templates `glusterfs.validate.*` render problems as a list, where a longer sentence goes on in an indented line:

    - nodes[0] (a): this is what is wrong:
      and this is what to do.
*/}}
{{- define "glusterfs.validate" -}}
  {{- $nodes := include "glusterfs.nodes" .Values | fromJson -}}
  {{- $problems := print
        (include "glusterfs.validate.nodes" .Values)
        (include "glusterfs.validate.volumes" (dict "values" .Values "nodes" $nodes))
        (include "glusterfs.validate.claims" .Values)
        (include "glusterfs.validate.storageClasses" .Values)
        (include "glusterfs.validate.exports" .Values)
  -}}
  {{- if $problems -}}
    {{- $entries := regexReplaceAll "\n +- " $problems "\n- " -}}
    {{- $lines := regexReplaceAll "\n +" $entries " " -}}
    {{- printf "\n\nThese values cannot be used:%s\n" $lines | fail -}}
  {{- end -}}
{{- end -}}
