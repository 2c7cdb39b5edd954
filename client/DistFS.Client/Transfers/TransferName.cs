using System.Security.Cryptography;
using System.Text;
using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <summary>Temporary names by which a later run finds what an earlier one has transferred.</summary>
internal static class TransferName
{
    private const int HashBytes = 12;

    /// <summary>A name that follows from what is transferred, and where to.</summary>
    public static string Of(string prefix, params string[] identity)
    {
        var all = string.Join('\0', identity);
        return prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)).AsSpan(0, HashBytes));
    }

    /// <summary>
    /// Whether another run may succeed with the same source where this one ended: it was interrupted, or nobody
    /// answered.
    /// </summary>
    public static bool IsWorthKeeping(Exception error) => error is OperationCanceledException
        || (error is DistFsException failed && !DistFsErrors.IsOfOneFile(failed)
            && failed.Code != ErrorCatalog.LocalDiskFull);
}
