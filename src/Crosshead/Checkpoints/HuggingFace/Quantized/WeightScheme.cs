using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>How compressed-tensors stores the weights of a group of modules.</summary>
internal sealed class WeightScheme
{
    private readonly bool _packed, _float, _symmetric;
    private readonly int _bits;
    private readonly string _strategy;
    private readonly long _groupSize, _blockRows, _blockColumns;

    private WeightScheme(ConfigValues weights, string format)
    {
        (_packed, _bits) = (format == "pack-quantized", weights.Or("num_bits", 8));
        var type = weights.Or("type", "int");
        if (type is not ("int" or "float")) throw Quantizations.NotSupported(weights, "type", "int or float");
        (_float, _symmetric) = (type == "float", weights.Or("symmetric", true));
        if (_packed && _float) throw Quantizations.NotSupported(weights, "type", "int for the format pack-quantized");
        if (_packed ? _bits is not (4 or 8) : _float ? _bits != 8 : _bits is < 2 or > 8)
            throw Quantizations.NotSupported(weights, "num_bits", _packed ? "4 or 8" : _float ? "8" : "2 to 8");
        var size = weights.Optional<int>("group_size");
        // Old files have no strategy: a group size means groups, and a size of -1 rows.
        _strategy = weights.Or("strategy", size switch { null => "tensor", -1 => "channel", _ => "group" });
        if (_strategy is not ("tensor" or "channel" or "group" or "block"))
            throw Quantizations.NotSupported(weights, "strategy", "tensor, channel, group or block");
        _groupSize = size ?? 0;
        if (_strategy == "group" && _groupSize < 1)
            throw Quantizations.NotSupported(weights, "group_size", "a positive number");
        if (_strategy != "block") return;
        (_blockRows, _blockColumns) = weights.Or<int[]>("block_structure", []) is [> 0 and var r, > 0 and var c]
            ? (r, c) : throw Quantizations.NotSupported(weights, "block_structure", "two positive numbers");
    }

    /// <summary>Reads the scheme of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="owner">The object with the format: the group, or the configuration.</param>
    /// <exception cref="CrossheadException">A setting is missing, or not supported.</exception>
    public static WeightScheme Read(ConfigValues group, ConfigValues owner)
    {
        var format = owner.Required<string>("format");
        if (format is not ("pack-quantized" or "int-quantized" or "float-quantized" or "naive-quantized"))
            throw Quantizations.NotSupported(owner, "format",
                "pack-quantized, int-quantized, float-quantized or naive-quantized");
        return new(group.Child("weights") ?? throw Quantizations.NotSupported(group, "weights", "an object"), format);
    }

    /// <summary>The weight of a module of the group.</summary>
    /// <exception cref="CrossheadException">A tensor is missing, or of another shape or type.</exception>
    public QuantizedWeight WeightOf(ModuleTensors module)
    {
        var codes = Codes(module);
        var scales = Grid(module, codes, module.Required("weight_scale"));
        return new(module, codes, Zeros(module, scales), scales);
    }

    /// <summary>The scheme in words.</summary>
    public override string ToString() =>
        $"{_bits}-bit {(_float ? "floating-point numbers" : "integers")}, " + _strategy switch
        {
            "group" => $"groups of {_groupSize}",
            "block" => $"blocks of {_blockRows} × {_blockColumns}",
            "channel" => "a scale per row",
            _ => "a scale per weight",
        };

    private StoredNumbers Codes(ModuleTensors module)
    {
        if (!_packed)
        {
            var plain = module.Required("weight", 2, _float ? Float8.TypeName : "I8");
            return new PlainNumbers(plain, plain.Shape[0], plain.Shape[1]);
        }
        var packed = module.Required("weight_packed", 2, "I32");
        var shape = module.Required("weight_shape", 1, "I64", "I32");
        module.RequireShape(shape, 2);
        var (rows, columns) = module.PairIn(shape);
        var numbers = new PackedNumbers(packed, rows, columns) { Bits = _bits, Along = 1 };
        module.RequireShape(packed, rows, Scales.Parts(columns, numbers.PerWord));
        return numbers;
    }

    private ScaleGrid Grid(ModuleTensors module, StoredNumbers codes, SafetensorsEntry scales)
    {
        var (rows, columns) = (codes.Rows, codes.Columns);
        if (_strategy == "group") module.RequireDivisor(_groupSize, columns);
        var (rowsEach, columnsEach) = _strategy switch
        {
            "tensor" => (rows, columns),
            "channel" => (1, columns),
            "block" => (_blockRows, _blockColumns),
            _ => (1, _groupSize),
        };
        var groupOfColumn = module.Find("weight_g_idx");
        if (groupOfColumn is not null)
        {
            module.RequireType(groupOfColumn, "I32", "I64");
            module.RequireShape(groupOfColumn, columns);
        }
        return Scales.Grid(module, scales, rows, columns, rowsEach, columnsEach, groupOfColumn);
    }

    // Packed codes are stored without sign, so that half their range stands for zero.
    private ZeroPoints Zeros(ModuleTensors module, ScaleGrid scales)
    {
        var half = _packed ? 1 << (_bits - 1) : 0;
        if (_symmetric) return new(half);
        var (rows, columns) = (scales.Numbers.Rows, scales.Numbers.Columns);
        var zeros = module.Required("weight_zero_point");
        if (!_packed || zeros.Type.Name == "I8")
        {
            module.RequireType(zeros, "I8");
            module.RequireShape(zeros, scales.Numbers.Entry.Shape);
            return new(half, new PlainNumbers(zeros, rows, columns));
        }
        module.RequireType(zeros, "I32");
        var packed = new PackedNumbers(zeros, rows, columns) { Bits = _bits, Along = 0 };
        module.RequireShape(zeros, Scales.Parts(rows, packed.PerWord), columns);
        return new(0, packed);
    }
}
