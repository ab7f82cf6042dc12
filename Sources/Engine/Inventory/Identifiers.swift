/// The number of an event: a stable hash of tenant and event id.
///
/// Ids of holds, orders, tickets and price tiers carry it, so that any core finds the owner without a shared table.
/// Two events whose numbers collide (one in 2⁶⁴ a pair) can't both exist: the second creation is refused.
public struct EventKey: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(tenant: ShortText, event: ShortText) {
        var hash = StableHash(seed: 0x686f_6c64_6661_7374)
        tenant.withBytes { hash.combine($0) }
        hash.combine(UInt64(tenant.count))
        event.withBytes { hash.combine($0) }
        rawValue = hash.finish()
    }

    /// The shard that owns the event among `shards`; the same on every machine and after every start.
    public func shard(of shards: Int) -> Int { Int(rawValue.multipliedFullWidth(by: UInt64(shards)).high) }
}

/// A section's place among the sections of its event, counted from 0 in order of creation.
public typealias SectionNumber = UInt32

/// A price tier's place among the tiers of its event, counted from 0 in order of creation.
public typealias TierNumber = UInt32

/// Where a hold lives in its event's slab: a slot, and how often the slot was used before.
public struct HoldReference: Hashable, Sendable {
    public let slot: UInt32
    public let generation: UInt32

    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// A reservation's identity, and its order's. The secret makes it unguessable: whoever has it may act on the hold.
public struct HoldID: Hashable, Sendable {
    public let event: EventKey
    public let reference: HoldReference
    public let secret: UInt64

    public init(event: EventKey, reference: HoldReference, secret: UInt64) {
        self.event = event
        self.reference = reference
        self.secret = secret
    }
}

/// What identifies a retry: 128 bits of (tenant, principal, key), and a fingerprint of the request's payload.
public struct IdempotencyKey: Hashable, Sendable {
    public let high: UInt64
    public let low: UInt64
    public let fingerprint: UInt64

    public init(high: UInt64, low: UInt64, fingerprint: UInt64) {
        self.high = high
        self.low = low
        self.fingerprint = fingerprint
    }

    /// - Parameter fingerprint: a stable hash of everything in the request that decides its effect.
    public init(tenant: ShortText, principal: ShortText, key: UnsafeRawBufferPointer, fingerprint: UInt64) {
        func half(_ seed: UInt64) -> UInt64 {
            var hash = StableHash(seed: seed)
            tenant.withBytes { hash.combine($0) }
            hash.combine(UInt64(tenant.count))
            principal.withBytes { hash.combine($0) }
            hash.combine(UInt64(principal.count))
            hash.combine(key)
            return hash.finish()
        }
        self.init(high: half(0x6964_656d_706f_7431), low: half(0x6964_656d_706f_7432), fingerprint: fingerprint)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z.
public typealias Milliseconds = Int64
