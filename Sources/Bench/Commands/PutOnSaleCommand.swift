import ArgumentParser

/// `holdfast-bench put-on-sale`: for people who bring their own load tool.
struct PutOnSaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put-on-sale",
        abstract: "Put events on sale and print their sections, for another load tool to use.",
        discussion: "Prints one line per section: event, section, price tier, with a space between."
    )

    @Option(help: "Server, such as http://127.0.0.1:8080.")
    var target: String

    @Flag(help: "Allow a target that is not this machine.")
    var allowRemote = false

    @OptionGroup var sale: SaleOptions

    func run() throws {
        let setup = SaleSetup(
            eventCount: sale.events,
            sectionsPerEvent: sale.sections,
            stockPerSection: sale.stock,
            endpoint: try Endpoint(url: target, allowRemote: allowRemote),
            runPrefix: RunPrefix.make()
        )
        for section in try setup.create() { print(section.event, section.id, section.pricing) }
    }
}
