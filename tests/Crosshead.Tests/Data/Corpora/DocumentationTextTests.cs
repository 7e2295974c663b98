using System.Text;
using Crosshead.Data.Corpora;

namespace Crosshead.Tests.Data.Corpora;

public sealed class DocumentationTextTests
{
    private static DocumentedMember[] Members(string xml) =>
        [.. DocumentedMember.ReadAll(
            new MemoryStream(Encoding.UTF8.GetBytes($"<?xml version=\"1.0\"?><doc><members>{xml}</members></doc>")))];

    private static string Summary(string content) =>
        Members($"<member name=\"T:A.B\"><summary>{content}</summary></member>").SelectMany(m => m.Lines)
        .SingleOrDefault().Text ?? "";

    [Theory]
    [InlineData("Gets the <see cref=\"T:System.Collections.Generic.List`1\" /> of names.", "Gets the List of names.")]
    [InlineData("Calls <see cref=\"M:System.String.Compare(System.String,System.String)\"/>, then waits.",
        "Calls String.Compare, then waits.")]
    [InlineData("Is <see langword=\"true\" /> if <paramref name=\"value\" /> is set.", "Is true if value is set.")]
    [InlineData("See <see href=\"https://a.example/b\">the rules</see> of it.", "See the rules of it.")]
    [InlineData("Uses <xref data-throw-if-not-resolved=\"true\" uid=\"System.Diagnostics.Activity\" /> here .",
        "Uses Activity here.")]
    [InlineData("Makes <c>null</c> of\n            an   empty&#160;<i>name</i>", "Makes null of an empty name.")]
    [InlineData("<para>One thing is said.</para><para>Then the other</para>", "One thing is said. Then the other.")]
    [InlineData("It knows these: <list><listheader><term>T</term></listheader><item><term>Fast</term><description>the "
        + "quick way</description></item></list>", "It knows these: Fast: the quick way.")]
    [InlineData("Works like this: <code>\nvar x = 1;\nvar y = 2;\n</code>It returns at once.",
        "Works like this: It returns at once.")]
    [InlineData("The value of x<sup>2</sup> is kept.", "The value of x^2 is kept.")]
    [InlineData("Part of the .NET Framework, etc..", "Part of the .NET Framework, etc.")]
    [InlineData("A **[HANDLE](/windows/types)** points to the \\_queue\\_.", "A HANDLE points to the _queue_.")]
    [InlineData("Is &lt;b&gt; &amp; more than that.", "Is <b> & more than that.")]
    public void Markup_becomes_a_sentence(string content, string expected) => Assert.Equal(expected, Summary(content));

    [Theory]
    [InlineData("<para>int16x8_t vabsq_s16 (int16x8_t a)</para><para>A32: VABS.S16 Qd, Qm</para>")]
    [InlineData("To be added.")]
    [InlineData("This API supports the product infrastructure and is not intended to be used directly from your code.")]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{0}: {1}")]
    public void What_is_no_English_sentence_is_dropped(string content) => Assert.Equal("", Summary(content));

    [Fact]
    public void A_member_tells_what_it_does_takes_returns_and_throws_in_that_order()
    {
        var member = Assert.Single(Members("""
            <member name="M:A.B.Cut(System.Int32)">
              <exception cref="T:System.ArgumentException"><paramref name="at" /> is negative.</exception>
              <summary>Cuts the rope.</summary>
              <returns>The piece cut off.</returns>
              <param name="at">Where to cut.</param>
              <param name="empty" />
              <example>Do not show this listing.</example>
              <inheritdoc />
              <seealso cref="T:A.C">another thing to see</seealso>
            </member>
            """));
        Assert.Equal("M:A.B.Cut(System.Int32)", member.Name);
        Assert.Equal(
            ["Cuts the rope.", "- at: Where to cut.", "- returns: The piece cut off.",
                "- throws ArgumentException: at is negative."],
            member.Lines.Select(l => l.Label + l.Text));
    }

    [Theory]
    [InlineData("T:System.Collections.Generic.Dictionary`2", "System.Collections.Generic.Dictionary",
        "Dictionary", "Dictionary")]
    [InlineData("M:System.String.#ctor(System.Char[])", "System.String", "Constructor", "String constructor")]
    [InlineData("M:System.String.Join``1(System.String,System.Collections.Generic.IEnumerable{``0})", "System.String",
        "Join", "String.Join")]
    [InlineData("P:A.B.Item(System.Int32)", "A.B", "Item", "B.Item")]
    [InlineData("M:A.B.System#IDisposable#Dispose", "A.B", "IDisposable.Dispose", "IDisposable.Dispose")]
    [InlineData("M:A.B.op_Equality(A.B,A.B)", "A.B", "Equality operator", "B.Equality operator")]
    [InlineData("M:A.B.op_Implicit(A.B)~System.Int32", "A.B", "Implicit operator", "B.Implicit operator")]
    [InlineData("N:System.Text", "System", "Text", "System.Text")]
    [InlineData("lonely", "lonely", "lonely", "lonely")]
    public void Names_are_read(string name, string type, string heading, string readable)
    {
        Assert.Equal(type, MemberName.TypeOf(name));
        Assert.Equal(heading, MemberName.Heading(name));
        Assert.Equal(readable, MemberName.Readable(name));
    }
}
