/// Placeholder until the inventory lands.
enum EngineVersion {}
