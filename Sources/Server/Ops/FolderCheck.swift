import Engine
import WAL

/// Everything that can be found out about a data folder: what is wrong with its files, whether its snapshots and its log
/// lead to the same state, and whether that state keeps the rules.
struct FolderCheck {
    /// A snapshot that can be started from, or the empty state before record 1.
    struct Start: Equatable {
        /// 0 for the empty state.
        var position: UInt64
        /// The last record that it may hold.
        var reach: UInt64
    }

    /// A record that can't be read or can't have happened.
    struct Contradiction {
        let place: RecordPlace
        let reason: String
        let isMalformed: Bool
    }

    /// What was found, in the order of the files; without consequence and remedy.
    private(set) var findings: [FolderFinding] = []
    /// Snapshots that are whole and add up, newest first.
    private(set) var snapshots: [Start] = []
    private(set) var contradictions: [Contradiction] = []
    private(set) var brokenInvariants: [String] = []
    private(set) var runs: [LogRun] = []
    private(set) var unusableSegments: [UInt64] = []
    private var logEndsInDamage = false
    /// The log went on behind the last record that can be read, and what stood there is damaged or missing. A snapshot
    /// that reaches further says so, too: one is written when the log up to there is durable.
    var endsInDamage: Bool { logEndsInDamage || snapshots.contains { $0.reach > (runs.last?.last ?? 0) } }
    /// The number of the newest segment that can be read.
    private(set) var lastSegment: UInt64?
    private(set) var firstPosition: UInt64?
    private(set) var counts = Counts()
    /// The state that the newest snapshot and the log behind it lead to, as far as the log can be read.
    private(set) var newest = Track(Start(position: 0, reach: 0), CheckedReplay())
    /// Why no server starts from the folder, in the words of the one that would.
    private(set) var startError: String?

    struct Counts {
        var segments = 0
        var batches = 0
        var records = 0
        var bytes = 0
    }

    let folder: String

    var isSound: Bool { startError == nil && brokenInvariants.isEmpty && !findings.contains(where: \.isDamage) }

    /// - Parameter device: to open the log as a server does; nil where the folder is locked for a change.
    /// - Throws: `LogError` when the folder can't be read at all.
    init(_ examination: LogExamination, device: (any LogDevice)?) throws {
        folder = examination.folder
        firstPosition = examination.firstPosition
        lastSegment = examination.lastSegment
        var tracks = try readSnapshots(examination)
        try readLog(examination, &tracks)
        unusableSegments = examination.unusableSegments
        findings = examination.findings.map { FolderFinding($0) } + findings
        compare(tracks)
        for event in newest.replay.events { brokenInvariants += event.checkInvariants() }
        if let device { tryToStart(device) }
    }

    // MARK: Snapshots

    /// The newest state to begin with, and the oldest: the log must lead from the one to the other.
    private mutating func readSnapshots(_ examination: LogExamination) throws -> [Track] {
        var tracks: [Track] = []
        for position in examination.snapshots {
            var replay = CheckedReplay()
            var failure: RecoveryError?
            let isWhole = try examination.readSnapshot(at: position) { payload in
                guard failure == nil else { return }
                do throws(RecoveryError) { try replay.restore(payload) } catch { failure = error }
            }
            if let failure { note(failure, position) }
            guard isWhole, failure == nil else { continue }
            let start = Start(position: position, reach: max(position, replay.reach.rawValue))
            snapshots.append(start)
            // Two states at a time, whatever the number of snapshots.
            if tracks.count == 2 { tracks.removeLast() }
            tracks.append(Track(start, replay))
        }
        if examination.firstPosition ?? 1 == 1 {
            if tracks.count == 2 { tracks.removeLast() }
            tracks.append(Track(Start(position: 0, reach: 0), CheckedReplay()))
        }
        return tracks
    }

    private mutating func note(_ failure: RecoveryError, _ position: UInt64) {
        var kind = FolderFinding.Kind.snapshotContradicts
        if case .wrongDigest = failure { kind = .snapshotDigestWrong }
        findings.append(
            FolderFinding(kind, file: path(LogExamination.snapshotName(position)), reason: Self.reason(of: failure))
        )
    }

    /// What happened, without what to do.
    private static func reason(of error: RecoveryError) -> String {
        switch error {
        case .malformed(_, let offset, let reason): "\(reason), at byte \(offset) of the record"
        case .unknownEvent(_, let event): "it is about event number \(event.rawValue), which was never created"
        case .contradiction(_, let event, let reason):
            "it can't have happened to event number \(event.rawValue): \(reason)"
        case .wrongDigest(let event, let expected, let found):
            "the digest of event number \(event.rawValue) is \(found) and should be \(expected)"
        case .logEndsBeforeSnapshot(let last, let reach):
            "the snapshot holds records up to \(reach), and the log ends with \(last)"
        }
    }

    // MARK: Log

    private mutating func readLog(_ examination: LogExamination, _ tracks: inout [Track]) throws {
        var found: [Contradiction] = []
        var records = 0
        try examination.readLog { place, payload in
            records += 1
            for index in tracks.indices {
                guard let problem = try tracks[index].take(payload, at: place) else { continue }
                guard found.last?.place != place else { continue }
                var isMalformed = false
                if case .malformed = problem { isMalformed = true }
                let reason = Self.reason(of: problem)
                found.append(Contradiction(place: place, reason: reason, isMalformed: isMalformed))
            }
        }
        contradictions = found
        runs = examination.runs
        logEndsInDamage = examination.endsInDamage
        counts = Counts(
            segments: examination.segmentCount,
            batches: examination.batchCount,
            records: records,
            bytes: examination.bytesRead
        )
        for contradiction in found {
            var finding = FolderFinding(
                contradiction.isMalformed ? .recordMalformed : .recordContradicts,
                file: contradiction.place.file,
                offset: contradiction.place.offset,
                reason: "record \(contradiction.place.position): \(contradiction.reason)"
            )
            finding.batch = contradiction.place.batch
            finding.positions = contradiction.place.position...contradiction.place.position
            findings.append(finding)
        }
    }

    private mutating func compare(_ tracks: [Track]) {
        guard let first = tracks.first else { return }
        newest = first
        for snapshot in snapshots where (runs.last?.last ?? 0) < snapshot.reach && contradictions.isEmpty {
            let reason =
                "the snapshot holds records up to \(snapshot.reach), and the log ends with \(runs.last?.last ?? 0)"
            let file = path(LogExamination.snapshotName(snapshot.position))
            findings.append(FolderFinding(.logShorterThanSnapshot, file: file, reason: reason))
        }
        for snapshot in snapshots where snapshot.position + 1 < (firstPosition ?? 1) {
            let reason = "the log begins with record \(firstPosition ?? 1), so nothing leads on from this snapshot"
            let file = path(LogExamination.snapshotName(snapshot.position))
            findings.append(FolderFinding(.snapshotWithoutLog, file: file, reason: reason))
        }
        guard let oldest = tracks.dropFirst().first, !first.isStopped, !oldest.isStopped, first.last == oldest.last,
            !first.replay.isSameState(as: oldest.replay)
        else { return }
        let reason =
            "it leads to another state (digest \(first.replay.digestText)) than the log does from "
            + "\(oldest.start.position == 0 ? "record 1" : "the snapshot at \(oldest.start.position)") on "
            + "(digest \(oldest.replay.digestText))"
        findings.append(
            FolderFinding(
                .snapshotContradicts,
                file: path(LogExamination.snapshotName(first.start.position)),
                reason: reason
            )
        )
        snapshots.removeFirst()
        newest = oldest
    }

    // MARK: Start

    /// Opens the log as a server does, which would refuse at the first thing that is wrong.
    private mutating func tryToStart(_ device: any LogDevice) {
        if let contradiction = contradictions.last, contradiction.place.position > newest.start.position {
            startError = "record \(contradiction.place.position): \(contradiction.reason)"
            return
        }
        do {
            let log = try WriteAheadLog.openReadOnly(folder: folder, device: device)
            defer { try? log.close() }
            let start = log.snapshotPosition?.rawValue ?? 0
            _ = try log.replay(from: LogPosition(start + 1)) { _, _ in }
            if start > 0, !snapshots.contains(where: { $0.position == start }) {
                startError = "the snapshot at \(start), with which a start begins, does not add up"
            }
        } catch {
            startError = "\(error)"
        }
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
}

extension FolderCheck {
    /// A state on its way through the log.
    struct Track {
        let start: Start
        var replay: CheckedReplay
        /// The last record applied, or where the track began.
        private(set) var last: UInt64
        /// The log did not go on where it should.
        private(set) var isStopped = false
        private var run: Int?

        init(_ start: Start, _ replay: CheckedReplay) {
            self.start = start
            self.replay = replay
            last = start.position
        }

        /// Applies the record when it is the next one.
        mutating func take(_ payload: UnsafeRawBufferPointer, at place: RecordPlace) throws -> RecoveryError? {
            guard !isStopped, place.position > start.position else { return nil }
            guard place.position == last + 1, run == nil || run == place.run else {
                isStopped = true
                return nil
            }
            run = place.run
            do {
                try replay.apply(payload, at: LogPosition(place.position))
                last = place.position
                return nil
            } catch let error as RecoveryError {
                isStopped = true
                return error
            }
        }
    }
}

extension CheckedReplay {
    var digestText: String { String(digest, radix: 16) }
}
