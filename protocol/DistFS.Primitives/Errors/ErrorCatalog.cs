using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace DistFS.Primitives;

/// <summary>
/// Every <see cref="ErrorCode"/>, one file per area: 10xx the tool and its configuration, 11xx the machine and native
/// libraries, 12xx the wire, 13xx metaservers, 14xx sessions of clients, chunk servers, 15xx files of clients. A number
/// is never used again.
/// </summary>
public static partial class ErrorCatalog
{
    private static readonly Lazy<FrozenDictionary<int, ErrorCode>> ByNumber = new(() =>
        typeof(ErrorCatalog)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => field.GetValue(null))
            .OfType<ErrorCode>()
            .ToFrozenDictionary(code => code.Number));

    /// <summary>All codes, by number.</summary>
    public static IEnumerable<ErrorCode> All => ByNumber.Value.Values.OrderBy(code => code.Number);

    /// <summary>Finds "DFS1203", "dfs1203" or "1203".</summary>
    public static bool TryFind(string id, [NotNullWhen(true)] out ErrorCode? code)
    {
        ArgumentNullException.ThrowIfNull(id);
        code = null;
        var digits = id.StartsWith("DFS", StringComparison.OrdinalIgnoreCase) ? id.AsSpan(3) : id.AsSpan();
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && ByNumber.Value.TryGetValue(number, out code);
    }
}
