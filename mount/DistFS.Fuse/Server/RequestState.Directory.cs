using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <content>Directory entries: fixed part, name, zeros up to 8 bytes.</content>
internal sealed partial class RequestState
{
    private byte[]? _directory;
    private int _directoryLength;

    public bool AddDirent(ulong inode, ulong nextOffset, uint mode, ReadOnlySpan<byte> name)
    {
        RequireOpcode(Opcode.ReadDir);
        var size = Aligned(Unsafe.SizeOf<FuseDirent>() + name.Length);
        if (!TryGetRoom(size, name, out var room))
        {
            return false;
        }

        WriteDirent(room, inode, nextOffset, mode, name);
        return true;
    }

    public bool AddDirentPlus(in FuseEntryOut entry, ulong nextOffset, ReadOnlySpan<byte> name)
    {
        RequireOpcode(Opcode.ReadDirPlus);
        var size = Aligned(Unsafe.SizeOf<FuseEntryOut>() + Unsafe.SizeOf<FuseDirent>() + name.Length);
        if (!TryGetRoom(size, name, out var room))
        {
            return false;
        }

        MemoryMarshal.Write(room, in entry);
        WriteDirent(room[Unsafe.SizeOf<FuseEntryOut>()..], entry.Attr.Inode, nextOffset, entry.Attr.Mode, name);
        return true;
    }

    private static int Aligned(int bytes) => (bytes + 7) & ~7;

    private static void WriteDirent(Span<byte> room, ulong inode, ulong nextOffset, uint mode, ReadOnlySpan<byte> name)
    {
        // DT_* are the four type bits of st_mode.
        var dirent = new FuseDirent
        {
            Inode = inode,
            Offset = nextOffset,
            NameBytes = (uint)name.Length,
            Type = (mode >> 12) & 15,
        };
        MemoryMarshal.Write(room, in dirent);
        room = room[Unsafe.SizeOf<FuseDirent>()..];
        name.CopyTo(room);
        room[name.Length..].Clear();
    }

    private bool TryGetRoom(int size, ReadOnlySpan<byte> name, out Span<byte> room)
    {
        if (name.Length is < 1 or > 255)
        {
            throw new ArgumentException($"A name has 1 to 255 bytes; this has {name.Length}.");
        }

        _directory ??= _server.Buffers.Rent();
        var limit = (int)Math.Min(ReplyBytesMax, (uint)_directory.Length);
        room = default;
        if (size > limit - _directoryLength)
        {
            return false;
        }

        room = _directory.AsSpan(_directoryLength, size);
        _directoryLength += size;
        return true;
    }

    private void RequireOpcode(Opcode opcode)
    {
        if (_header.Opcode != opcode)
        {
            throw new InvalidOperationException($"{_header.Opcode} is not answered with entries of {opcode}.");
        }
    }
}
