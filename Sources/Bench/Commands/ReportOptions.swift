import ArgumentParser

/// Where the figures go. Shared by all commands that measure.
struct ReportOptions: ParsableArguments {
    @Option(help: "Write the report as JSON to this file ('-': standard output, instead of the table).")
    var json: String?

    @Option(help: "Write a page with the figures and pictures to this file.")
    var html: String?

    @Option(help: "Write the pictures alone, as SVG, to this file.")
    var svg: String?

    /// Shows the report and ends with status 1 if the run can't be called good.
    func finish(_ report: BenchReport) throws {
        if let json { try ReportFile.write(report, to: json) }
        if let html { try ReportFile.write(ReportPage(report: report).render(), to: html) }
        if let svg { try ReportFile.write(ReportPage(report: report).renderPictures(), to: svg) }
        if json != "-" { print(ReportText(report: report).render()) }
        let complaints = report.complaints
        for complaint in complaints { ProgressLine.say("holdfast-bench: " + complaint) }
        if !complaints.isEmpty { throw ExitCode(1) }
    }
}
