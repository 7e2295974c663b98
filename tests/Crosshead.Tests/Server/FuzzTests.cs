using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Server.Endpoints;

namespace Crosshead.Tests.Server;

/// <summary>Whatever a body holds, it is answered or refused: the server itself never fails.</summary>
public sealed class FuzzTests
{
    private const int Requests = 10_000, AtOnce = 16;

    private static readonly (string Path, string Body)[] s_seeds =
    [
        ("/v1/completions", """
            {"model":"tiny","prompt":["the","head"],"max_tokens":2,"temperature":0.5,"top_p":0.9,"n":2,"echo":true,
            "logprobs":2,"stop":["x","y"],"seed":7,"logit_bias":{"70":-5},"stream":true,
            "stream_options":{"include_usage":true},"user":"me"}
            """),
        ("/v1/completions", """{"prompt":[[70,71],[72]],"max_tokens":1,"prompt_logprobs":1,"return_token_ids":true}"""),
        ("/v1/chat/completions", """
            {"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"Hi"}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",
            "function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}],
            "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],
            "tool_choice":"auto","max_tokens":3,"logprobs":true,"top_logprobs":1,"chat_template_kwargs":{"a":[1,2.5]},
            "response_format":{"type":"text"}}
            """),
        ("/completions", """
            {"prompt":"the","max_tokens":4,"suffix":"","best_of":1,"min_tokens":1,"stop_token_ids":[70],"min_p":0.1,
            "top_k":5,"repetition_penalty":1.1,"presence_penalty":0.5,"frequency_penalty":-0.5,"ignore_eos":true,
            "truncate_prompt_tokens":-1,"cache_salt":"a","priority":0,"max_completion_tokens":4,
            "structured_outputs":{"regex":"(a|[b-d]{1,2})*"}}
            """),
        ("/v1/completions", """{"prompt":"the","max_tokens":3,"structured_outputs":{"choice":["one","two"]}}"""),
        ("/v1/chat/completions", """
            {"messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":3,"response_format":{
            "type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{
            "a":{"oneOf":[{"type":"number","minimum":1.5},{"const":"b"}]},"c":{"prefixItems":[{"format":"date"}]},
            "d":{"$ref":"#/properties/a"},"e":{"allOf":[{"type":"string","pattern":"a+"}]}},"required":["a"]}}}}
            """),
        ("/chat/completions", """
            {"messages":[{"role":"user","content":"Hi"}],"max_tokens":3,"stream":true,"reasoning_effort":"none",
            "include_reasoning":false,"continue_final_message":false,"parallel_tool_calls":false,"tool_choice":{
            "type":"function","function":{"name":"f"}},"tools":[{"type":"function","function":{"name":"f",
            "description":"d","parameters":{"type":"object","properties":{"x":{"type":"integer","maximum":3}}}}}]}
            """),
        ("/tokenize", """{"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":true}"""),
        ("/cache/clear", "{}"),
        ("/tokenize", """{"prompt":"the head","add_special_tokens":true,"return_token_strs":true}"""),
        ("/detokenize", """{"tokens":[70,71]}"""),
        ("/apply-template", """{"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":false}"""),
    ];

    private static readonly string[] s_values = ["null", "true", "-1", "0", "1e999", "1.5", "9999999999999999999",
        "\"\"", "\"\\ud83d\"", "\"\\u0000\"", "[]", "{}", "[[]]", "[null]", "{\"type\":\"text\"}", "\"auto\"",
        "[\"a\",1]",
        "320"];

    [Fact]
    public async Task Ten_thousand_mutated_bodies_find_no_fault()
    {
        await using var server = await TestServer.StartAsync();
        var faults = new List<string>();
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (i, cancellation) =>
            {
                var (path, body) = Mutated(i);
                var content = new ByteArrayContent(body);
                content.Headers.ContentType = new("application/json");
                using var response = await server.Client.PostAsync(path, content, cancellation);
                var text = await response.Content.ReadAsStringAsync(cancellation);
                if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.NotFound)
                    return;
                lock (faults) faults.Add($"{i}: {response.StatusCode} {text} for {Encoding.UTF8.GetString(body)}");
            });
        Assert.Empty(faults);
        lock (server.Log) Assert.DoesNotContain(server.Log, line => line.Contains(" fault ", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_address_that_takes_a_body_is_among_the_bodies() => Assert.Equal(
        RouteTable.All.Where(r => r.Method == "POST").Select(r => r.Path).Order(),
        s_seeds.Select(s => s.Path.Replace("/v1", "")).Distinct().Order());

    /// <summary>An address and a body: a value replaced, a member renamed, or bytes changed, cut or doubled.</summary>
    public static (string Path, byte[] Body) Mutated(int number)
    {
        var ((path, seed), random) = (s_seeds[number % s_seeds.Length], new Random(number));
        var bytes = Encoding.UTF8.GetBytes(random.Next(3) > 0 ? Replaced(seed, random) : seed);
        if (random.Next(3) > 0) return (path, bytes);
        var list = bytes.ToList();
        for (var edits = random.Next(1, 4); edits > 0 && list.Count > 1; edits--)
        {
            var at = random.Next(list.Count);
            var length = Math.Min(random.Next(1, 8), list.Count - at);
            switch (random.Next(3))
            {
                case 0: list[at] = (byte)random.Next(256); break;
                case 1: list.RemoveRange(at, length); break;
                default: list.InsertRange(at, list.GetRange(at, length)); break;
            }
        }
        return (path, [.. list]);
    }

    private static string Replaced(string seed, Random random)
    {
        var root = JsonNode.Parse(seed)!;
        var places = Places(root).ToArray();
        if (places.Length == 0) return s_values[random.Next(s_values.Length)];
        var place = places[random.Next(places.Length)];
        // A mark that is no JSON takes the value's place, because some of the values are no JSON either.
        const string Mark = "\"@@\"";
        if (place.Parent is JsonObject parent)
        {
            var name = place.GetPropertyName();
            if (random.Next(8) == 0)
            {
                parent.Remove(name);
                parent[name + "x"] = "@@";
            }
            else parent[name] = "@@";
        }
        else ((JsonArray)place.Parent!)[place.GetElementIndex()] = "@@";
        return root.ToJsonString().Replace(Mark, s_values[random.Next(s_values.Length)], StringComparison.Ordinal);
    }

    private static IEnumerable<JsonNode> Places(JsonNode node)
    {
        var inner = node switch
        {
            JsonObject members => members.Select(m => m.Value),
            JsonArray items => items,
            _ => [],
        };
        foreach (var child in inner.OfType<JsonNode>())
        {
            yield return child;
            foreach (var deeper in Places(child)) yield return deeper;
        }
    }
}
