using System.Text.Json;

namespace Crosshead.Tests.Server.Page;

/// <summary>The functions of the page's script that need no page.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class ScriptTests(ChatBrowser browser)
{
    [Fact]
    public async Task Events_are_read_however_the_stream_is_cut()
    {
        const string Stream = ": ping\n\ndata: {\"a\":1}\n\nevent: x\r\nid: 3\r\ndata:b\r\ndata: c\r\n\r\n"
            + "retry: 5\rdata: d\r\rdata: [DONE]\n\nlost";
        var chat = await browser.ScriptsAsync();
        var all = await chat.CallAsync("""
            Array.from({ length: given.length + 1 }, (_, at) => {
              const read = page.eventReader();
              return JSON.stringify([...read(given.slice(0, at)), ...read(given.slice(at))]);
            })
            """, Stream);
        Assert.Equal("""["{\"a\":1}","b\nc","d","[DONE]"]""",
            Assert.Single(JsonSerializer.Deserialize<string[]>(all)!.Distinct()));
        var single = await chat.CallAsync("(read => [...given].flatMap(c => read(c)))(page.eventReader())", Stream);
        Assert.Equal("""["{\"a\":1}","b\nc","d","[DONE]"]""", single);
    }

    [Fact]
    public async Task Chunks_become_a_message()
    {
        var chat = await browser.ScriptsAsync();
        var message = await chat.CallAsync(
            "given.reduce((m, chunk) => (page.takeChunk(m, chunk), m), { role: 'assistant', text: '' })",
            JsonSerializer.Deserialize<JsonElement>("""
            [{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]},
             {"choices":[{"index":0,"delta":{"reasoning":"th","reasoning_content":"th"}}]},
             {"choices":[{"index":0,"delta":{"reasoning_content":"ink"}}]},
             {"choices":[{"index":0,"delta":{"content":"a"}}]},
             {"choices":[{"index":0,"text":"b"}]},
             {"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":null},
             {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}]
            """));
        Assert.Equal("""
            {"role":"assistant","text":"ab","thought":"think","end":"length","usage":{"prompt":3,"answer":2,"cached":0}}
            """.Trim(), message);
    }

    [Fact]
    public async Task A_conversation_becomes_a_request()
    {
        var chat = await browser.ScriptsAsync();
        var messages = new[]
        {
            new { role = "user", text = "a" }, new { role = "user", text = "b" },
            new { role = "assistant", text = "c" }, new { role = "user", text = "d" },
        };
        Assert.Equal("""
            [{"role":"system","content":"s"},{"role":"user","content":"a\n\nb"},{"role":"assistant","content":"c"},
            {"role":"user","content":"d"}]
            """.ReplaceLineEndings(""), await chat.CallAsync("page.turnsOf(given, 's')", messages));
        Assert.Equal("\"s\\n\\na\\nbc\\nd\"", await chat.CallAsync("page.promptOf(given, 's')", messages));
        Assert.Equal("""{"temperature":0,"top_p":0.5,"seed":-3}""", await chat.CallAsync(
            "page.sampling({ system: 's', temperature: '0', topP: '0.5', maxTokens: '', seed: '-3' })"));
    }

    [Fact]
    public async Task Numbers_are_told()
    {
        var chat = await browser.ScriptsAsync();
        Assert.Equal("\"1,001 tokens · 500.0 tokens/s · first token after 0.25 s · 64 of 70 tokens of the prompt from "
            + "the cache · ended at the limit of tokens\"", await chat.CallAsync("""
            page.numbersOf({ end: 'length', time: { first: 250, last: 2250 },
              usage: { prompt: 70, answer: 1001, cached: 64 } })
            """));
        Assert.Equal("\"\"", await chat.CallAsync("page.numbersOf({ end: 'stop' })"));
        Assert.Equal("\"25 % of the cache in use · 50 % of all prompt tokens found in it\"", await chat.CallAsync(
            "page.cacheOf(given)", "# HELP x\nvllm:kv_cache_usage_perc{model_name=\"a b\"} 0.25\n"
            + "vllm:prefix_cache_queries_total{model_name=\"a b\"} 8\nprefix_cache_hits_total 4\n"));
        Assert.Equal("\"\"", await chat.CallAsync("page.cacheOf('')"));
    }

    [Fact]
    public async Task Storage_is_bounded_and_damage_is_left_out()
    {
        var chat = await browser.ScriptsAsync();
        var kept = await chat.CallAsync("""
            (storage => {
              for (let i = 0; i < given + 3; i++) {
                page.saveChat(storage, { id: `c${i}`, changed: i, messages: [{ role: 'user', text: `${i}` }] });
              }
              storage.setItem('crosshead.chat.bad', '{"id":"bad"');
              storage.setItem('crosshead.chat.wrong', '{"id":"wrong","changed":1,"messages":[{"role":"x","text":"y"}]}');
              storage.setItem('crosshead.chat.odd',
                '{"id":"odd","changed":1e9,"messages":[{"role":"user","text":"z","usage":{"prompt":{}},"calls":[null]}]}');
              const chats = page.readChats(storage);
              return [page.MOST_CHATS, chats.length, chats[0], chats[1].id, chats[given].id];
            })(page.memoryStorage())
            """, 100);
        Assert.Equal("""
            [100,101,{"id":"odd","changed":1000000000,"messages":[{"role":"user","text":"z","calls":[]}]},"c102","c3"]
            """.Trim(), kept);
        var refused = await chat.CallAsync("""
            page.saveChat({ setItem() { throw new DOMException('full', 'QuotaExceededError'); } },
              { id: 'a', changed: 1, messages: [] })
            """);
        Assert.Equal("""{"kept":false,"removed":[]}""", refused);
        Assert.Equal("[]", await chat.CallAsync("page.readChats({ get length() { throw new Error('closed'); } })"));
    }
}
