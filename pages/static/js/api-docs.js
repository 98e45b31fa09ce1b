// Shows the API's OpenAPI document in Swagger UI.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api-docs", deepLinking: true, validatorUrl: null });
