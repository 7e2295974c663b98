using System.Text.Json;
using Crosshead.Text.Chat;

namespace Crosshead.Tests.Text.Chat;

public sealed class ChatTemplateTests
{
    private const string ChatMl = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
        + "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
        + "'<|im_start|>assistant\n' }}{% endif %}";

    private const string Dated = """
        {{- bos_token }}
        {%- if not date_string is defined %}
            {%- if strftime_now is defined %}
                {%- set date_string = strftime_now("%d %b %Y") %}
            {%- else %}
                {%- set date_string = "26 Jul 2024" %}
            {%- endif %}
        {%- endif %}
        {%- if messages[0]['role'] == 'system' %}
            {%- set system_message = messages[0]['content']|trim %}
            {%- set messages = messages[1:] %}
        {%- else %}
            {%- set system_message = "" %}
        {%- endif %}
        {{- "[system]\n" }}
        {{- "Today: " + date_string + "\n\n" }}
        {{- system_message }}
        {{- eos_token }}
        {%- for message in messages %}
            {{- '[' + message['role'] + "]\n" + message['content'] | trim + eos_token }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- "[assistant]\n" }}
        {%- endif %}
        """;

    private const string Alternating = """
        {{ bos_token }}{% for message in messages %}
        {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Roles must take turns: user, assistant, user, ...') }}
        {% endif %}
        {% if message['role'] == 'user' %}
        {{ '[INST] ' + message['content'] + ' [/INST]' }}
        {%- elif message['role'] == 'assistant' %}
        {{ ' ' + message['content'] + eos_token -}}
        {% else %}
        {{ raise_exception('Only user and assistant, not ' + message['role']) }}
        {% endif %}
        {% endfor %}
        """;

    private const string Thinking = """
        {%- set ns = namespace(searching=true, last=messages|length - 1) %}
        {%- for message in messages[::-1] %}
            {%- set index = (messages|length - 1) - loop.index0 %}
            {%- if ns.searching and message.role == "user" and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
                {%- set ns.searching = false %}
                {%- set ns.last = index %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- set content = message.content %}
            {%- set thought = '' %}
            {%- if message.reasoning_content is defined and message.reasoning_content is not none %}
                {%- set thought = message.reasoning_content %}
            {%- elif '</think>' in content %}
                {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\n') %}
            {%- endif %}
            {%- if loop.index0 > ns.last and thought %}
                {{- message.role + ':<think>' + thought.strip('\n') + '</think>' + content }}
            {%- else %}
                {{- message.role + ':' + content }}
            {%- endif %}
            {{- '\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- 'assistant:' }}
            {%- if enable_thinking is defined and enable_thinking is false %}
                {{- '<think></think>' }}
            {%- endif %}
        {%- endif %}
        """;

    private static readonly Dictionary<string, object?> s_tokens =
        new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    private static readonly ChatMessage[] s_talk = [new("system", " Be kind. "), new("user", "Hi\n"),
        new("assistant", "<think>\nhm\n</think>\n\nHello"), new("user", "Bye")];

    [Fact]
    public void ChatML() => Assert.Equal(
        "<|im_start|>system\n Be kind. <|im_end|>\n<|im_start|>user\nHi\n<|im_end|>\n<|im_start|>assistant\n<think>\n"
            + "hm\n</think>\n\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
        Render(ChatMl, s_talk, true));

    [Fact]
    public void A_date_and_trimmed_contents()
    {
        Assert.Equal("<s>[system]\nToday: 05 Mar 2031\n\nBe kind.</s>[user]\nHi</s>[assistant]\n",
            Render(Dated, s_talk[..2], true));
        Assert.Equal("<s>[system]\nToday: 05 Mar 2031\n\n</s>[user]\nBye</s>", Render(Dated, s_talk[3..], false));
    }

    [Fact]
    public void Roles_that_take_turns()
    {
        Assert.Equal("<s>[INST] Hi [/INST] Hello</s>[INST] Bye [/INST]",
            Render(Alternating, [new("user", "Hi"), new("assistant", "Hello"), new("user", "Bye")], false));
        Assert.Equal("Roles must take turns: user, assistant, user, ...",
            Assert.Throws<CrossheadException>(() => Render(Alternating, s_talk, false)).Message);
    }

    [Fact]
    public void Thoughts_of_earlier_turns_are_dropped() =>
        Assert.Equal("system: Be kind. \nuser:Hi\n\nassistant:Hello\nuser:Bye\nassistant:",
            Render(Thinking, s_talk, true));

    [Fact]
    public void Thoughts_of_the_last_turn_are_kept() =>
        Assert.Equal("user:Hi\n\nassistant:<think>hm</think>Hello\n", Render(Thinking, s_talk[1..3], false));

    [Fact]
    public void No_messages_are_for_the_template_to_judge() =>
        Assert.Equal("<|im_start|>assistant\n", Render(ChatMl, [], true));

    [Fact]
    public void A_failure_names_the_template_and_the_line()
    {
        var error = Assert.Throws<CrossheadException>(() => Render("a\n{{ messages[0].name + '!' }}", s_talk, false));
        Assert.Equal("chat template here, line 2: dict has no attribute 'name'; it does not render these messages.",
            error.Message);
        Assert.Equal("chat template here, line 1: '}}' stands where a value is expected; it is not read.",
            Assert.Throws<CrossheadException>(() => Render("{{ }}", s_talk, false)).Message);
    }

    [Theory]
    [InlineData("%d %b %Y", "05 Mar 2031")]
    [InlineData("%A, %B %-d, %Y", "Wednesday, March 5, 2031")]
    [InlineData("%H:%M:%S %I %p %j %y-%m %a%%", "00:07:09 12 AM 064 31-03 Wed%")]
    [InlineData("%-I|%e|%F", "12| 5|2031-03-05")]
    public void Dates_are_written_as_C_writes_them(string format, string expected) =>
        Assert.Equal(expected, Render($"{{{{ strftime_now('{format}') }}}}", s_talk, false));

    [Fact]
    public void A_folder_s_template_is_found_in_its_files()
    {
        using var folder = new TemporaryFolder();
        var none = Assert.Throws<CrossheadException>(() => ChatTemplate.Load(folder.Path));
        Assert.Contains("has no chat template", none.Message, StringComparison.Ordinal);
        var config = Path.Combine(folder.Path, "tokenizer_config.json");

        File.WriteAllText(config, """{"bos_token": {"content": "<b>"}, "eos_token": null}""");
        Assert.Throws<CrossheadException>(() => ChatTemplate.Load(folder.Path));

        File.WriteAllText(config,
            """{"bos_token": {"content": "<b>"}, "eos_token": null, "chat_template": "{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ messages[0].content }}"}""");
        Assert.Equal("<b>Bye", ChatTemplate.Load(folder.Path).Render(s_talk[3..], false));

        File.WriteAllText(Path.Combine(folder.Path, "special_tokens_map.json"),
            """{"bos_token": "<x>", "unk_token": "<u>"}""");
        Assert.Equal("<b><u>Bye", ChatTemplate.Load(folder.Path).Render(s_talk[3..], false));

        File.WriteAllText(config, JsonSerializer.Serialize(new
        {
            chat_template =
                new[] { new { name = "tool_use", template = "no" }, new { name = "default", template = "yes" } },
        }));
        Assert.Equal("yes", ChatTemplate.Load(folder.Path).Render(s_talk, false));

        File.WriteAllText(Path.Combine(folder.Path, ChatTemplate.FileName), "{% if true %}\n  file\n{% endif %}\n");
        Assert.Equal("  file\n", ChatTemplate.Load(folder.Path).Render(s_talk, false));
    }

    [Theory]
    [InlineData("""{"chat_template": [{"name": "rag", "template": "x"}]}""",
        "without one named \"default\"; it has rag")]
    [InlineData("""{"chat_template": 5}""", "must be a text, or a list")]
    [InlineData("""{"chat_template": """, "cannot read")]
    [InlineData("""{"chat_template": "{% if %}"}""", "line 1: '%}' stands where a value is expected")]
    public void A_folder_s_bad_template_is_refused(string config, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), config);
        var error = Assert.Throws<CrossheadException>(() => ChatTemplate.Load(folder.Path));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Llama_3_1_s_template()
    {
        var template = ChatTemplate.Load(SharedData.Path("data", "tokenizers", "llama3.1"));
        Assert.Equal(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|"
                + "end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            template.Render(s_talk[..2], true));
    }

    [Fact]
    public void Qwen_3_s_template()
    {
        var template = ChatTemplate.Load(SharedData.Path("data", "tokenizers", "qwen3"));
        Assert.Equal(
            "<|im_start|>system\n Be kind. <|im_end|>\n<|im_start|>user\nHi\n<|im_end|>\n<|im_start|>assistant\n"
                + "Hello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
            template.Render(s_talk, true));
        Assert.Equal(
            "<|im_start|>user\nHi\n<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n</think>\n\nHello<|im_end|>\n",
            template.Render(s_talk[1..3], false));
    }

    [Fact]
    public void A_tokenizer_of_a_base_model_has_no_template() =>
        Assert.Throws<CrossheadException>(() => ChatTemplate.Load(SharedData.Path("data", "tokenizers", "llama2")));

    private static string Render(string template, IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt) =>
        ChatTemplate.Parse(template, s_tokens, "here", time: new MarchFifth()).Render(messages, addGenerationPrompt);

    private sealed class MarchFifth : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2031, 3, 5, 0, 7, 9, TimeSpan.Zero);
    }
}
