using System.Buffers;
using System.Globalization;
using DistFS.Metadata.Acls;

namespace DistFS.Metadata.Tests.Acls;

/// <summary>Lists in the short text form of acl(5): u::rw-,u:1000:r--,g::r--,m::r--,o::---.</summary>
internal static class AclText
{
    public static byte[] Value(string text)
    {
        var value = new ArrayBufferWriter<byte>();
        AclXattr.Write(Parse(text), value);
        return value.WrittenSpan.ToArray();
    }

    public static AccessControlList Parse(string text)
    {
        var (users, groups) = (new List<AclEntry>(), new List<AclEntry>());
        Access? owner = null, group = null, mask = null, other = null;
        foreach (var entry in text.Split(','))
        {
            var parts = entry.Split(':');
            var access = Access.None;
            access |= parts[2].Contains('r') ? Access.Read : 0;
            access |= parts[2].Contains('w') ? Access.Write : 0;
            access |= parts[2].Contains('x') ? Access.Execute : 0;
            switch (parts[0], parts[1])
            {
                case ("u", ""):
                    owner = access;
                    break;
                case ("g", ""):
                    group = access;
                    break;
                case ("m", _):
                    mask = access;
                    break;
                case ("o", _):
                    other = access;
                    break;
                default:
                    (parts[0] == "u" ? users : groups).Add(
                        new AclEntry(uint.Parse(parts[1], CultureInfo.InvariantCulture), access));
                    break;
            }
        }

        return new AccessControlList
        {
            Owner = owner!.Value,
            Group = group!.Value,
            Mask = mask,
            Other = other!.Value,
            Users = [.. users],
            Groups = [.. groups],
        };
    }

    public static string Text(AccessControlList list) => string.Join(',', (string[])
    [
        One("u", "", list.Owner),
        .. list.Users.Select(user => One("u", $"{user.Id}", user.Access)),
        One("g", "", list.Group),
        .. list.Groups.Select(group => One("g", $"{group.Id}", group.Access)),
        .. list.Mask is { } mask ? (string[])[One("m", "", mask)] : [],
        One("o", "", list.Other),
    ]);

    public static string Text(byte[] value)
    {
        Assert.Equal(FsStatus.Ok, AclXattr.TryRead(value, out var list));
        return Text(list!);
    }

    private static string One(string tag, string id, Access access) => $"{tag}:{id}:"
        + ((access & Access.Read) != 0 ? 'r' : '-')
        + ((access & Access.Write) != 0 ? 'w' : '-')
        + ((access & Access.Execute) != 0 ? 'x' : '-');
}
