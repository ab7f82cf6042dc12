import Glibc

/// Lines for whoever watches, on standard error.
enum ProgressLine {
    static func write(_ progress: Progress) {
        var line = "\(Decimals.text(progress.secondsSinceStart, digits: 0)) s"
        line += "  \(Decimals.text(progress.answersPerSecond, digits: 0)) answers/s"
        if progress.isWarmingUp { line += "  warming up" }
        if progress.errors > 0 { line += "  \(Decimals.text(progress.errors)) errors" }
        if progress.waiting > 0 { line += "  \(Decimals.text(progress.waiting)) waiting" }
        say(line)
    }

    static func say(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { bytes in
            // A line that can't be shown is no reason to stop a measurement.
            _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
