using DistFS.Primitives;

namespace DistFS.Metadata.Xattrs;

/// <summary>Whose rules hold for an extended attribute (xattr(7)).</summary>
public enum XattrNamespace
{
    /// <summary>user.: of whoever may read and write the file.</summary>
    User,

    /// <summary>trusted.: root's, and nobody else sees it.</summary>
    Trusted,

    /// <summary>security.: everybody reads it, root writes it.</summary>
    Security,

    /// <summary>system.posix_acl_access.</summary>
    AccessAcl,

    /// <summary>system.posix_acl_default.</summary>
    DefaultAcl,
}

/// <summary>Names of extended attributes.</summary>
public static class XattrName
{
    /// <summary>Longest name, with its namespace, in bytes (XATTR_NAME_MAX).</summary>
    public const int BytesMax = 255;

    /// <summary>Longest value, in bytes (XATTR_SIZE_MAX).</summary>
    public const int ValueBytesMax = 65_536;

    /// <summary>Longest list of names, with a NUL after each, in bytes (XATTR_LIST_MAX).</summary>
    public const int ListBytesMax = 65_536;

    /// <summary>The name of the access ACL.</summary>
    public static ReadOnlySpan<byte> AccessAcl => "system.posix_acl_access"u8;

    /// <summary>The name of the default ACL.</summary>
    public static ReadOnlySpan<byte> DefaultAcl => "system.posix_acl_default"u8;

    /// <summary>
    /// The namespace of a name. <see cref="FsStatus.OutOfRange"/>: it is empty or too long;
    /// <see cref="FsStatus.Invalid"/>: it is nothing but a namespace, or has a NUL;
    /// <see cref="FsStatus.NotSupported"/>: there is no such namespace (Linux, setxattr).
    /// </summary>
    public static FsStatus TryParse(ReadOnlySpan<byte> name, out XattrNamespace space)
    {
        space = default;
        if (name.Length is 0 or > BytesMax)
        {
            return FsStatus.OutOfRange;
        }

        if (name.SequenceEqual(AccessAcl) || name.SequenceEqual(DefaultAcl))
        {
            space = name.SequenceEqual(AccessAcl) ? XattrNamespace.AccessAcl : XattrNamespace.DefaultAcl;
            return FsStatus.Ok;
        }

        var prefix = name[..(name.IndexOf((byte)'.') + 1)];
        if (prefix.SequenceEqual("user."u8))
        {
            space = XattrNamespace.User;
        }
        else if (prefix.SequenceEqual("trusted."u8))
        {
            space = XattrNamespace.Trusted;
        }
        else if (prefix.SequenceEqual("security."u8))
        {
            space = XattrNamespace.Security;
        }
        else
        {
            return FsStatus.NotSupported;
        }

        return prefix.Length == name.Length || name.Contains((byte)0) ? FsStatus.Invalid : FsStatus.Ok;
    }

    /// <summary>Whether a name is of the namespace that only root sees.</summary>
    internal static bool IsTrusted(ReadOnlySpan<byte> name) => name.StartsWith("trusted."u8);
}
