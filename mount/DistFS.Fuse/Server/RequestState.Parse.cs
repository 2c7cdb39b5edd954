using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace DistFS.Fuse;

/// <content>The bytes of a request.</content>
internal sealed partial class RequestState
{
    private const int HeaderBytes = 40;
    private const int GroupsExtension = 32; // FUSE_EXT_GROUPS
    private const uint LinkBytesMax = 4095; // A page less its zero byte: what READLINK has room for.

    /// <summary>Checks lengths, and finds names and content.</summary>
    /// <returns>False when the request is no sound one.</returns>
    public bool TryParse(OpcodeRow row)
    {
        _name = default;
        _second = default;
        var at = HeaderBytes + FixedBytes(row);
        var end = _length - (_header.ExtensionWords * 8);
        if (_header.Length != (uint)_length || at > end)
        {
            return false;
        }

        for (var i = 0; i < row.Names; i++)
        {
            var length = _bytes.AsSpan(at, end - at).IndexOf((byte)0);
            if (length < 0)
            {
                return false;
            }

            (i == 0 ? ref _name : ref _second) = (at, length);
            at += length + 1;
        }

        return TryParseContent(row.Opcode, at, end);
    }

    /// <summary>Of SETXATTR in whichever form was agreed on.</summary>
    public FuseSetXattrIn SetXattrArguments()
    {
        if (FixedBytes(OpcodeTable.Find(Opcode.SetXattr)!) != FuseSetXattrIn.ShortBytes)
        {
            return Arguments<FuseSetXattrIn>();
        }

        var shortForm = Arguments<FuseAccessIn>();
        return new FuseSetXattrIn { Size = shortForm.Mask, Flags = shortForm.Padding };
    }

    /// <summary>The one group of FUSE_EXT_GROUPS.</summary>
    public uint? GetSupplementaryGroup()
    {
        var extensions = _bytes.AsSpan(0, _length)[^Math.Min(_header.ExtensionWords * 8, _length - HeaderBytes)..];
        while (extensions.Length >= 8)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(extensions);
            var type = BinaryPrimitives.ReadUInt32LittleEndian(extensions[4..]);
            if (size < 8 || size > extensions.Length)
            {
                return null;
            }

            if (type == GroupsExtension && size >= 16 && BinaryPrimitives.ReadUInt32LittleEndian(extensions[8..]) > 0)
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(extensions[12..]);
            }

            extensions = extensions[(int)size..];
        }

        return null;
    }

    private int FixedBytes(OpcodeRow row) =>
        row.Opcode == Opcode.SetXattr && !_server.HasLongSetXattr ? FuseSetXattrIn.ShortBytes : row.FixedBytes;

    private bool TryParseContent(Opcode opcode, int at, int end)
    {
        switch (opcode)
        {
            case Opcode.Write:
                _second = (at, end - at);
                return Arguments<FuseWriteIn>().Size == (uint)(end - at);
            case Opcode.SetXattr:
                _second = (at, end - at);
                return SetXattrArguments().Size == (uint)(end - at);
            case Opcode.Read or Opcode.ReadDir or Opcode.ReadDirPlus:
                ReplyBytesMax = Arguments<FuseReadIn>().Size;
                return true;
            case Opcode.GetXattr or Opcode.ListXattr:
                ReplyBytesMax = Arguments<FuseGetXattrIn>().Size;
                return true;
            case Opcode.ReadLink:
                ReplyBytesMax = LinkBytesMax;
                return true;
            default:
                return true;
        }
    }

    static RequestState() =>
        System.Diagnostics.Debug.Assert(Unsafe.SizeOf<FuseInHeader>() == HeaderBytes, "The header is 40 bytes.");
}
