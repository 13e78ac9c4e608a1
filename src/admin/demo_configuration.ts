import type { Files } from "../files.ts";

const TEMPLATES = {
  templates: [{
    templateId: "demo",
    maxNumber: -1,
    attributes: { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] },
    podSpec: "pod.yaml",
  }],
};

/** The pod manifest of the demo: small enough for any cluster. The embedded one starts no containers. */
const MANIFEST = `apiVersion: v1
kind: Pod
metadata:
  labels:
    role: symphony-compute
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: compute
      image: busybox:stable
      command: [sleep, "3600"]
      resources:
        requests: { cpu: 10m, memory: 16Mi }
        limits: { cpu: 10m, memory: 16Mi }
`;

/** Writes a provider configuration with one template, `demo`. */
export function writeDemoConfiguration(files: Files, directory: string): void {
  files.makeDirectory(directory);
  files.writeText(`${directory}/k8sprov_templates.json`, `${JSON.stringify(TEMPLATES, undefined, 2)}\n`);
  files.writeText(`${directory}/pod.yaml`, MANIFEST);
}
