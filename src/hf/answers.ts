import type { MachineResult, MachineStatus, RequestStatus } from "./status.ts";

/**
 * The answers that Symphony's host factory reads (source: IBM Spectrum Symphony 7.3.2, "Provider plug-in interface
 * specification"). Each verb has one answer; on failure its lists are present but empty, and its message says why.
 */

export interface TemplatesAnswer {
  message?: string;
  templates: object[];
}

export interface RequestAnswer {
  message: string;
  /** Empty if the request was not accepted. */
  requestId: string;
}

export interface MachineAnswer {
  /** The pod's uid; empty if it is not known. */
  machineId: string;
  name: string;
  result: MachineResult;
  status: MachineStatus;
  privateIpAddress: string;
  publicIpAddress: string;
  /** Seconds since the epoch. */
  launchtime: number;
  message: string;
}

export interface RequestStatusAnswer {
  requestId: string;
  message: string;
  status: RequestStatus;
  machines: MachineAnswer[];
}

export interface StatusAnswer {
  message?: string;
  requests: RequestStatusAnswer[];
}

export interface ReturnRequestsAnswer {
  status: "complete";
  message: string;
  /** Machines that are gone or going; `gracePeriod` is how many seconds are left. */
  requests: { machine: string; gracePeriod: number }[];
}
