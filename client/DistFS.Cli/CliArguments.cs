using System.CommandLine;
using System.CommandLine.Parsing;
using DistFS.Client;
using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Cli;

/// <summary>Arguments and options of the types that many verbs take, with errors that say what to write.</summary>
internal static class CliArguments
{
    /// <summary>A required address of a process.</summary>
    public static Argument<RpcAddress> Address(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = static result => ParseAddress(result)!,
    };

    /// <summary>The address of a process, which may be left out.</summary>
    public static Option<RpcAddress?> OptionalAddress(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "ADDRESS",
        CustomParser = ParseAddress,
    };

    /// <summary>Addresses with commas between; the option may be repeated.</summary>
    public static Option<RpcAddress[]> Addresses(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "ADDRESS,...",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        [
            .. result.Tokens
                .SelectMany(token => token.Value.Split(','))
                .Select(text => ParseAddress(result, text.Trim()))
                .OfType<RpcAddress>(),
        ],
    };

    /// <summary>Sizes in bytes; the option may be repeated.</summary>
    public static Option<ByteSize[]> Sizes(string name, string description, ByteSize max, ByteSize min = default) =>
        new(name)
        {
            Description = description,
            HelpName = "BYTES",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result => [.. result.Tokens.Select(token => ParseSize(result, token.Value, max, min))],
        };

    /// <summary>Memory of a client: from what the library needs at least on.</summary>
    public static Option<ByteSize> Memory(string description, long byDefault) => new("--mem")
    {
        Description = $"{description} [default {new ByteSize(byDefault)}]",
        HelpName = "BYTES",
        DefaultValueFactory = _ => new ByteSize(byDefault),
        CustomParser = static result =>
        {
            var size = ParseSize(result, result.Tokens[0].Value, ByteSize.GiB(1_000));
            if (!result.Errors.Any() && size.Bytes < DistFsClientOptions.MemoryMin)
            {
                result.AddError(
                    $"'{size}' is too little: {new ByteSize(DistFsClientOptions.MemoryMin)} is what it takes.");
            }

            return size;
        },
    };

    private static RpcAddress? ParseAddress(ArgumentResult result) => ParseAddress(result, result.Tokens[0].Value);

    private static RpcAddress? ParseAddress(ArgumentResult result, string written) =>
        Parse(result, written, static text => RpcAddress.TryParse(text, out var address) ? address : null,
            "is no address; write host:port, [ipv6]:port or unix:/path");

    /// <summary>A whole number.</summary>
    public static Option<int> Number(string name, string description, int byDefault, int min, int max)
    {
        var option = new Option<int>(name)
        {
            Description = $"{description} [default {byDefault}]",
            HelpName = "N",
            DefaultValueFactory = _ => byDefault,
        };
        option.CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, out var number) && number >= min && number <= max)
            {
                return number;
            }

            result.AddError($"{name} '{result.Tokens[0].Value}' must be a whole number from {min} to {max}.");
            return 0;
        };
        return option;
    }

    /// <summary>A duration.</summary>
    public static Option<TimeSpan?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (Duration.TryParse(text, out var time) && time > TimeSpan.Zero)
            {
                return time;
            }

            result.AddError($"'{text}' is no duration; {Duration.Hint}.");
            return null;
        },
    };

    /// <summary>A bug to plant.</summary>
    public static Option<PlantedBug?> Planted(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NAME",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (Enum.TryParse<PlantedBug>(text, ignoreCase: true, out var bug)
                && Enum.IsDefined(bug) && !char.IsAsciiDigit(text[0]))
            {
                return bug;
            }

            var names = string.Join(", ", Enum.GetNames<PlantedBug>().Skip(1));
            result.AddError($"'{text}' is no bug that can be planted; there are {names}.");
            return null;
        },
    };

    private static ByteSize ParseSize(ArgumentResult result, string text, ByteSize max, ByteSize min = default)
    {
        if (ByteSize.TryParse(text, null, out var size) && size <= max && size >= min)
        {
            return size;
        }

        var from = min.Bytes > 0 ? $"from {min} " : "";
        result.AddError($"'{text}' is no size {from}up to {max}; write for example 4096, 64KiB or 1MiB.");
        return default;
    }

    private static T? Parse<T>(ArgumentResult result, string text, Func<string, T?> parse, string rule)
        where T : class
    {
        var value = parse(text);
        if (value == null)
        {
            result.AddError($"'{text}' {rule}.");
        }

        return value;
    }
}
