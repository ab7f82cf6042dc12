import Engine

// What tells one state of a thing from another: a number, shown in quotes as the thing's ETag.

extension EventView {
    /// The version, and above it what has become of the sale, where that is shown: a change is for a version.
    var entityTag: UInt64 { UInt64(saleStatus?.rawValue ?? 0) << 32 | UInt64(version) }
}

extension TierView {
    var entityTag: UInt64 { UInt64(version) }
}

extension SectionView {
    /// A hash of everything that is shown of the section.
    var entityTag: UInt64 {
        var hash = StableHash(seed: 0x7365_6374_696f_6e31)
        hash.combine(text: details.name)
        hash.combine(text: details.code)
        hash.combine(counts.total)
        hash.combine(counts.buffer)
        hash.combine(counts.reserved)
        hash.combine(counts.sold)
        hash.combine(details.minimumPurchase)
        hash.combine(details.maximumPurchase)
        hash.combine(
            UInt8(details.isActive ? 1 : 0) | UInt8(details.isVisible ? 2 : 0)
                | UInt8(details.leavesNoSingleSeat ? 4 : 0)
        )
        // Only where there is something, so that the tags of kept answers stay what they were.
        if let schedule = details.schedule { hash.combine(schedule) }
        if !details.attributes.isEmpty { hash.combine(text: details.attributes) }
        return hash.finish()
    }
}

extension HoldState {
    /// A hash of everything that is shown of the reservation at `now` but for `expires_in_ms`: a weak tag.
    func entityTag(at now: Milliseconds) -> UInt64 {
        var hash = StableHash(seed: 0x686f_6c64_7374_6174)
        hash.combine(shownStatus(at: now).rawValue)
        hash.combine(expiresAt)
        for index in 0..<lineCount {
            let line = self[line: index]
            hash.combine(line.tier.map { UInt64($0) } ?? .max)
            hash.combine(line.lock?.lockedAt ?? -1)
        }
        return hash.finish()
    }

    /// A hold at or past its deadline is told as expired, whether or not its clock has come round.
    func shownStatus(at now: Milliseconds) -> HoldStatus {
        status == .held && expiresAt <= now ? .expired : status
    }
}

extension TicketView {
    /// A hash of everything of the ticket that can change.
    var entityTag: UInt64 {
        var hash = StableHash(seed: 0x7469_636b_6574_7374)
        hash.combine(status.rawValue)
        hash.combine(code.high)
        hash.combine(code.low)
        hash.combine(offer?.offeredAt ?? -1)
        hash.combine(checkIn?.receivedAt ?? -1)
        holder.withBytes { hash.combine($0) }
        return hash.finish()
    }
}

extension StableHash {
    fileprivate mutating func combine(text: String) {
        var text = text
        text.withUTF8 { combine(UnsafeRawBufferPointer($0)) }
        combine(UInt64(text.utf8.count))
    }
}
