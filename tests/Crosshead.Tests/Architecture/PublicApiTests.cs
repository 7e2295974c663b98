using PublicApiGenerator;

namespace Crosshead.Tests.Architecture;

public sealed class PublicApiTests
{
    [Fact]
    public void The_public_api_of_the_library_is_the_accepted_one()
    {
        var options = new ApiGeneratorOptions { IncludeAssemblyAttributes = false };
        Snapshot.Match("Crosshead.api.txt", typeof(CrossheadException).Assembly.GeneratePublicApi(options) + "\n");
    }

    [Fact]
    public void The_command_line_exposes_no_api() =>
        Assert.DoesNotContain(typeof(Crosshead.Cli.CommandLine).Assembly.GetExportedTypes(), t => t.Name != "Program");
}
