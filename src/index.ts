/** Gantry as a library: a broker inside a program or a test. */
export { startStandalone, type LibraryOptions, type Standalone } from './assembly/library';
export type { TopicConfig, TopicType } from './api/topic';
