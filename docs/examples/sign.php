<?php
// Signs URLs for an edge: php sign.php SCHEME BASE PATH EXPIRES NAME SECRET

function b64url(string $data): string
{
    return rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
}

// begin ect
function ect(string $base, string $path, int $expires, string $kid, string $secretHex): string
{
    $scope = substr($path, 0, strrpos($path, '/') + 1); // everything in and below the directory
    $payload = "exp=$expires\np=$scope\n";
    $text = "h1.$kid." . b64url($payload);
    $mac = hash_hmac('sha256', $text, hex2bin($secretHex), true);
    return "$base/ect=$text." . b64url($mac) . $path;
}
// end ect

// begin vdox
function vdox(string $base, string $path, int $expires, string $account, string $secret): string
{
    $at = $expires - 300; // a token is good for 300 seconds after its time
    $digest = md5($at . $path . $secret);
    return "$base/?account=$account&file=$path&token=" . dechex($at) . "%7C$digest";
}
// end vdox

// begin secure-link
function secure_link(string $base, string $path, int $expires, string $_, string $secret): string
{
    $digest = md5("$expires$path $secret", true);
    return "$base$path?md5=" . b64url($digest) . "&expires=$expires";
}
// end secure-link

// begin edgeauth
function edgeauth(string $base, string $path, int $expires, string $_, string $secretHex): string
{
    $acl = substr($path, 0, strrpos($path, '/') + 1) . '*';
    $text = "exp=$expires~acl=$acl";
    $mac = hash_hmac('sha256', $text, hex2bin($secretHex));
    return "$base$path?__token__=$text~hmac=$mac";
}
// end edgeauth

// begin bunny
function bunny(string $base, string $path, int $expires, string $_, string $secret): string
{
    $mac = hash_hmac('sha256', $path . $expires, $secret, true);
    return "$base$path?token=HS256-" . b64url($mac) . "&expires=$expires";
}
// end bunny

[, $scheme, $base, $path, $expires, $name, $secret] = $argv;
echo str_replace('-', '_', $scheme)($base, $path, (int) $expires, $name, $secret), "\n";
