using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Crosshead.Tests.Architecture;

/// <summary>Folders are rooms, sub-folders too: none may need another that needs it.</summary>
public sealed class CircleTests
{
    [Theory]
    [InlineData(typeof(CrossheadException))]
    [InlineData(typeof(Crosshead.Server.ServerOptions))]
    [InlineData(typeof(Crosshead.Cli.CommandLine))]
    public void No_folders_need_each_other(Type inAssembly)
    {
        var arrows = Arrows(inAssembly.Assembly.Location).ToArray();
        Assert.NotEmpty(arrows);
        var rooms = arrows.SelectMany(a => new[] { a.From, a.To }).Distinct();
        var circles = Circles(
            rooms.ToDictionary(r => r, r => arrows.Where(a => a.From == r).Select(a => a.To).ToHashSet()));
        var why = arrows.Where(
            a => circles.Any(c => c.Split(", ") is var names && names.Contains(a.From) && names.Contains(a.To)))
            .Select(a => $"{a.From} → {a.To}: {a.User} uses {a.Used}").Distinct().Order(StringComparer.Ordinal);
        Assert.True(circles is [], string.Join('\n', why));
    }

    [Fact]
    public void A_circle_is_seen_and_a_chain_is_none()
    {
        Dictionary<string, HashSet<string>> needs =
            new() { ["a"] = ["b"], ["b"] = ["c"], ["c"] = ["b", "d"], ["d"] = [] };
        Assert.Equal(["b, c"], Circles(needs));
    }

    // Namespaces that reach each other, a line a circle.
    private static string[] Circles(Dictionary<string, HashSet<string>> needs)
    {
        var reached = needs.Keys.ToDictionary(n => n, n => Reached(n, needs));
        return [.. needs.Keys.Where(n => reached[n].Contains(n))
            .Select(n => string.Join(", ", reached[n].Where(o => reached[o].Contains(n)).Order(StringComparer.Ordinal)))
            .Distinct().Order(StringComparer.Ordinal)];
    }

    private static HashSet<string> Reached(string start, Dictionary<string, HashSet<string>> needs)
    {
        var (reached, open) = (new HashSet<string>(), new Stack<string>(needs[start]));
        while (open.TryPop(out var name))
            if (reached.Add(name))
                foreach (var next in needs[name]) open.Push(next);
        return reached;
    }

    // Which namespace below the root needs which other, and for what. The root's types belong to all.
    private static IEnumerable<(string From, string To, string User, string Used)> Arrows(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(assembly);
        foreach (var type in module.GetTypes().Where(t => IsRoom(Namespace(t))))
            foreach (var used in References(type).SelectMany(Parts).Where(t => t.Scope == module).Distinct())
                if (Namespace(used) is var to && IsRoom(to) && to != Namespace(type))
                    yield return (Namespace(type), to, type.Name, used.Name);
    }

    private static bool IsRoom(string name) => name.StartsWith("Crosshead.", StringComparison.Ordinal);

    private static string Namespace(TypeReference type) =>
        type.DeclaringType is { } outer ? Namespace(outer) : type.Namespace;

    private static IEnumerable<TypeReference> References(TypeDefinition type)
    {
        if (type.BaseType is { } parent) yield return parent;
        foreach (var i in type.Interfaces) yield return i.InterfaceType;
        foreach (var attribute in type.CustomAttributes) yield return attribute.AttributeType;
        foreach (var constraint in type.GenericParameters.SelectMany(p => p.Constraints))
            yield return constraint.ConstraintType;
        foreach (var field in type.Fields) yield return field.FieldType;
        foreach (var method in type.Methods)
        {
            yield return method.ReturnType;
            foreach (var parameter in method.Parameters) yield return parameter.ParameterType;
            if (!method.HasBody) continue;
            foreach (var variable in method.Body.Variables) yield return variable.VariableType;
            foreach (var reference in method.Body.Instructions.SelectMany(References)) yield return reference;
        }
    }

    private static IEnumerable<TypeReference> References(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        FieldReference field => [field.DeclaringType, field.FieldType],
        GenericInstanceMethod method => [method.DeclaringType, method.ReturnType, .. method.GenericArguments],
        MethodReference method => [method.DeclaringType, method.ReturnType],
        _ => [],
    };

    // A type and those it is made of: of a list its elements, of an array likewise.
    private static IEnumerable<TypeReference> Parts(TypeReference type) => type switch
    {
        GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
        FunctionPointerType pointer =>
            [.. Parts(pointer.ReturnType), .. pointer.Parameters.SelectMany(p => Parts(p.ParameterType))],
        TypeSpecification specification => Parts(specification.ElementType),
        GenericParameter => [],
        _ => [type],
    };
}
