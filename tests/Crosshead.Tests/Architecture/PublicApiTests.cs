using PublicApiGenerator;

namespace Crosshead.Tests.Architecture;

public sealed class PublicApiTests
{
    [Theory]
    [InlineData(typeof(CrossheadException), "Crosshead.api.txt")]
    [InlineData(typeof(Crosshead.Server.ServerOptions), "Crosshead.Server.api.txt")]
    public void The_public_api_of_the_library_is_the_accepted_one(Type inAssembly, string file)
    {
        var options = new ApiGeneratorOptions { IncludeAssemblyAttributes = false };
        Snapshot.Match(file, inAssembly.Assembly.GeneratePublicApi(options) + "\n");
    }

    [Fact]
    public void The_command_line_exposes_no_api() =>
        Assert.DoesNotContain(typeof(Crosshead.Cli.CommandLine).Assembly.GetExportedTypes(), t => t.Name != "Program");
}
