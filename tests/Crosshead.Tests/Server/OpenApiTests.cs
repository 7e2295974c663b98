using System.Net;
using System.Text.Json.Nodes;
using Crosshead.Server.Endpoints;
using Crosshead.Server.Fields;
using Crosshead.Tests.Architecture;

namespace Crosshead.Tests.Server;

/// <summary>The description is made from the tables that readers use, and every field of it is read.</summary>
public sealed class OpenApiTests
{
    public static TheoryData<string> Paths =>
        [.. RouteTable.All.Where(r => r.Fields is not null).Select(r => r.Shown)];

    [Fact]
    public async Task The_description_is_the_accepted_one()
    {
        Snapshot.Match("openapi.json", OpenApiEndpoint.Text());
        await using var server = await TestServer.StartAsync();
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(OpenApiEndpoint.Text()),
            JsonNode.Parse(await server.GetAsync("/openapi.json"))));
    }

    [Fact]
    public void The_page_of_the_documentation_is_made_from_the_tables() =>
        Snapshot.MatchFile(Repository.Path("docs/api.md"), ApiPage.Text());

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task A_described_field_is_known_and_a_wrong_value_of_it_is_refused_by_its_name(string path)
    {
        await using var server = await TestServer.StartAsync();
        foreach (var field in RouteTable.All.Single(r => r.Shown == path).Fields!.All)
        {
            var needed = field.Name is "prompt" or "content" or "messages" or "tokens" ? "" : Needed(path, field);
            using var response = await server.PostAsync(path, $"{{{needed}\"{field.Name}\":{{\"wrong\":[]}}}}");
            Assert.False(response.Headers.Contains("X-Crosshead-Ignored"), field.Name);
            // These take any object.
            if (field is UnusedField || field.Name is "chat_template_kwargs") continue;
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, field.Name);
            var error = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"]!;
            Assert.StartsWith(field.Name, (string)error["param"]!, StringComparison.Ordinal);
        }
    }

    private static string Needed(string path, Field field) => path switch
    {
        "/detokenize" => "\"tokens\":[70],",
        "/v1/completions" => "\"prompt\":\"a\",",
        "/tokenize" when !ChatFields.Template.All.Contains(field) => "\"prompt\":\"a\",",
        _ => """ "messages":[{"role":"user","content":"Hi"}], """,
    };
}
