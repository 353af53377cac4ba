export {
  LabError, LAB_RUNNER_METHODS,
  type BindFile, type CaptureDocument, type CaptureFormat, type CaptureRequest, type CaptureSource, type ClockDocument,
  type ClockMode, type ClockPatch, type CreateRequest, type DeployResult, type EventSubscription, type ExecRequest,
  type ExecResult, type Impairment, type InterfaceAddress, type InterfaceDetail, type JournalEntry, type LabDocument,
  type LabErrorData, type LabErrorKind, type LabEvent, type LabInput, type LabMessage, type LabRunner,
  type LabRunnerMethod, type LabState, type LabStatistics, type LinkDocument, type LinkEndpointDocument, type LinkPatch,
  type NamespaceDetail, type NodeDetail, type NodeKind, type NodeSummary, type Problem, type RouteDetail,
  type StartRequest, type Topology, type TopologyBind, type TopologyEndpoint, type TopologyLink, type TopologyNode,
} from './port.js';
export { connectRunner, labErrorData, serveRunner, type RunnerChannel } from './runner-rpc.js';
