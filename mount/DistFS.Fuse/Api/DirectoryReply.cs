using System.Runtime.CompilerServices;

namespace DistFS.Fuse;

/// <summary>Answer to READDIR and READDIRPLUS: names are added until one does not fit, then it is sent.</summary>
public readonly record struct DirectoryReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Whether entries come with attributes.</summary>
    public bool IsPlus => Request.Opcode == Opcode.ReadDirPlus;

    /// <summary>So many entries fit into an answer, at most; at least 1.</summary>
    /// <param name="bytes">That the request asks for.</param>
    /// <param name="isPlus">Whether they come with attributes.</param>
    public static int EntriesMax(uint bytes, bool isPlus)
    {
        // With the shortest name, padded to 8 bytes.
        var entry = Unsafe.SizeOf<FuseDirent>() + 8 + (isPlus ? Unsafe.SizeOf<FuseEntryOut>() : 0);
        return (int)Math.Clamp(bytes / (uint)entry, 1, int.MaxValue);
    }

    /// <summary>Adds a name to an answer to READDIR.</summary>
    /// <param name="inode">As in stat; not 0.</param>
    /// <param name="nextOffset">Where a later request goes on after this name; not 0.</param>
    /// <param name="mode">Type bits of st_mode; others are ignored.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <returns>False when it does not fit any more; nothing is added then.</returns>
    public bool TryAdd(ulong inode, ulong nextOffset, uint mode, ReadOnlySpan<byte> name) =>
        Request.State.AddDirent(inode, nextOffset, mode, name);

    /// <summary>Adds a name with its attributes to an answer to READDIRPLUS.</summary>
    /// <param name="entry">With node id 0 it is a name without attributes, and no lookup.</param>
    /// <param name="nextOffset">Where a later request goes on after this name; not 0.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <returns>False when it does not fit any more; nothing is added, and no lookup counts then.</returns>
    public bool TryAdd(in FuseEntryOut entry, ulong nextOffset, ReadOnlySpan<byte> name) =>
        Request.State.AddDirentPlus(in entry, nextOffset, name);

    /// <summary>Answers with what was added; with nothing at the end of the directory. Once.</summary>
    /// <returns>False when nobody waits any more: the kernel took no entry, so no lookup counts.</returns>
    public bool Ok() => Request.Claim().SendDirectory();

    /// <summary>Answers with an error, and without what was added. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}
